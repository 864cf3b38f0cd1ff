"""`health.ready` of containers: judged both ways on looks at them, and watched on real ones."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from certify.api import Container, Context, Criteria, Duration, Limit, Outcome, Service, Stack
from certify.outside import listening
from certify_checks.health import CHECK
from certify_checks.health.model import HealthConfig, HealthObservation, Probed
from certify_checks.health.ready import judge_ready, seed_ready
from certify_checks.health.samples import Contained, Sample

CRITERIA = Criteria({"not-ready": Limit.parse("== 0")})
# An engine that is busy with other tests answers late.
BRIEF = HealthConfig(window=Duration("3 s"), interval=Duration("500 ms"), timeout=Duration("20 s"))
RUNNING = Contained("running")
# Listens at port 80 until it is told to leave.
LISTENING = "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9); sleep 600"
LEAVES = f"perl -e '{LISTENING}' & echo $! >/left-by; sleep 600"
LEAVE = "kill $(cat /left-by); while kill -0 $(cat /left-by) 2>/dev/null; do sleep 0.05; done"
HTTP_DECOYS = tuple(
    Probed(name, "ready", f"/{name}", samples=tuple(Sample(0, status) for status in statuses))
    for name, statuses in {"ready": [200], "refusing": [503], "hanging": [503], "flapping": [200, 503]}.items()
)
DECOYS = (
    *HTTP_DECOYS,
    Probed("absent-container", "container", "container", samples=(Sample(0, error="no such container"),)),
    Probed("served-port", "container", "container", samples=(Sample(0, contained=RUNNING),)),
    Probed(
        "dropping-port", "container", "container", samples=(Sample(0, contained=Contained("running", unserved=(1,))),)
    ),
)


def looked(name: str, *looks: Contained) -> Probed:
    """Seven looks over the window; the last one given is repeated."""
    all_looks = (*looks, *(looks[-1:] * 7))[:7]
    samples = tuple(Sample(at * 500_000, contained=look) for at, look in enumerate(all_looks))
    return Probed(name, "container", "container", samples=samples)


def seen(*probed: Probed) -> HealthObservation:
    return HealthObservation(3_000_000, 500_000, probed, DECOYS)


@pytest.mark.parametrize(
    "look",
    [RUNNING, Contained("running", health="healthy"), Contained("exited", ends=True)],
    ids=["no health check", "healthy", "a one-shot that ended well"],
)
def test_well_over_the_whole_window_passes(look: Contained):
    ruling = judge_ready(seen(looked("web", look)), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 1)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (Contained("exited", exit_code=137), "exit code 137"),
        (Contained("exited"), "exit code 0"),
        (Contained("exited", exit_code=1, ends=True), "exit code 1"),
        (Contained("paused"), "paused"),
        (Contained("restarting"), "restarting"),
        (Contained("running", again=True), "started anew"),
        (Contained("running", health="unhealthy"), "unhealthy"),
        (Contained("running", health="starting"), "starting"),
        (Contained("running", unserved=(8080,)), "8080"),
        (Contained("running", left=(5432,)), "5432"),
    ],
    ids=str,
)
def test_one_bad_look_fails(look: Contained, told: str):
    ruling = judge_ready(seen(looked("web", RUNNING, look, RUNNING), looked("db", RUNNING)), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    assert [finding.location.service for finding in ruling.findings] == ["web"]
    assert told in ruling.findings[0].message


def test_no_container_is_not_up():
    ruling = judge_ready(seen(looked("web", RUNNING), Probed("db", "container", "container", up=False)), CRITERIA)
    assert [finding.code for finding in ruling.findings] == ["not-up"]


def test_a_sensor_that_calls_everything_well_is_told():
    blind = replace(seen(looked("web", RUNNING)), decoys=HTTP_DECOYS)
    assert judge_ready(blind, CRITERIA).reason == "sensor-blind"


def test_the_rule_finds_all_that_it_seeds():
    observation = seen(looked("web", RUNNING), looked("job", Contained("exited", ends=True)))
    seeds = list(seed_ready(observation, CRITERIA))
    assert len(seeds) == 9
    assert all(judge_ready(one.observation, CRITERIA).outcome is Outcome.FAIL for one in seeds)


@pytest.fixture
def started(require: Callable[[str, object], None]) -> Iterator[Callable[..., str]]:
    docker = shutil.which("docker") or ""
    require("docker", docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode)
    made: list[str] = []

    def start(*command: str, expose: str = "80") -> str:
        told = [docker, "run", "--detach", "--init", "--expose", expose, "debian:bookworm-slim", *command]
        made.append(subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip())
        return made[-1]

    yield start
    subprocess.run([docker, "rm", "--force", *made], capture_output=True, check=True)


class Leaving:
    """Looks as the check does, and has a container's listener leave when that was seen for the first time."""

    def __init__(self, container: str) -> None:
        self.container = container
        self.told: subprocess.Popen[bytes] | None = None

    def look(self, pid: int, container: str) -> frozenset[int] | None:
        if container == self.container and self.told:
            assert self.told.wait(60) == 0
        seen = listening(pid, container)
        if container == self.container and seen and self.told is None:
            self.told = subprocess.Popen([str(shutil.which("docker")), "exec", container, "sh", "-c", LEAVE])
        return seen

    def until_listening(self) -> None:
        inspect = [str(shutil.which("docker")), "inspect", "--format", "{{.State.Pid}}", self.container]
        pid = int(subprocess.run(inspect, capture_output=True, text=True, check=True).stdout)
        deadline = time.monotonic() + 60
        while not listening(pid, self.container):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.docker
def test_real_containers_are_seen_for_what_they_are(
    started: Callable[..., str], context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
):
    containers = {
        "up": Container(started("sleep", "600")),
        "dies": Container(started("sleep", "0.5")),
        "job": Container(started("true"), ends=True),
        "unserved": Container(started("sleep", "600"), ports=(1,)),
        "none": Container(),
        "leaves": Container(started("sh", "-c", LEAVES)),
    }
    leaving = Leaving(containers["leaves"].id)
    leaving.until_listening()
    monkeypatch.setattr("certify_checks.health.containers.listening", leaving.look)
    stack = Stack(tuple(Service(name, container=container) for name, container in containers.items()))
    watched: HealthObservation = asyncio.run(CHECK.observe(replace(context(stack, "health"), rules=("ready",)), BRIEF))
    ruling = judge_ready(watched, CRITERIA)
    assert ruling.outcome is Outcome.FAIL, ruling
    assert {finding.location.service for finding in ruling.findings} == {"dies", "unserved", "none", "leaves"}
    good = Criteria(CRITERIA.limits, ("up", "job"))
    assert judge_ready(watched, good).outcome is Outcome.PASS
    assert all(judge_ready(one.observation, good).outcome is Outcome.FAIL for one in seed_ready(watched, good))
