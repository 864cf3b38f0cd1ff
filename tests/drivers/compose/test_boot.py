"""Stacks of strangers, each with one thing the matter: what `docker compose up --wait` gets wrong, certify gets right.

Every case boots its own small project on the engine of this machine, from Debian's base image.
"""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from certify.drivers.compose.driver import ComposeDriver
from certify.drivers.compose.labels import RUN
from certify.drivers.interface import Booted
from certify.model.check import Action, Disruption
from certify.model.stack import Happened
from certify.outside import kept
from certify.profile.model import StackSpec

pytestmark = pytest.mark.docker

Services = dict[str, dict[str, Any]]
COMPLETED = {"condition": "service_completed_successfully"}
STARTED = {"condition": "service_started"}
HEALTHY = {"condition": "service_healthy"}
ANSWERING = (
    "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1);"
    'while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\n"; close $c }'
)
LOOPBACK = ANSWERING.replace("LocalPort", 'LocalAddr => "127.0.0.1", LocalPort')


def shell(command: str, **more: Any) -> dict[str, Any]:
    """A service that runs a shell command; `$` is Compose's, so it is doubled."""
    return {
        "image": "debian:bookworm-slim",
        "init": True,
        "command": ["sh", "-c", command.replace("$", "$$")],
        "stop_grace_period": "1s",
        **more,
    }


def checked(command: str, *test: str, **more: Any) -> dict[str, Any]:
    check = {"test": list(test), "interval": "300ms", "timeout": "2s", "retries": 2}
    return shell(command, healthcheck=check, **more)


class Case(NamedTuple):
    """A project, and what must be said: failing service -> words of its reason, in order of blame.

    The budget is used up only where nothing else ends the waiting.
    """

    services: Services
    failures: dict[str, str]
    budget: float = 60.0


IDLE = shell("sleep 600")
CASES = {
    "no health check at all": Case({"web": IDLE}, {}),
    "healthy": Case({"web": checked("sleep 600", "CMD", "true")}, {}),
    "slowly healthy within the budget": Case(
        {"web": checked("sleep 3; touch /ok; sleep 600", "CMD-SHELL", "test -e /ok")}, {}
    ),
    "never healthy": Case(
        {"web": checked("sleep 600", "CMD-SHELL", "echo no such luck; exit 1")}, {"web": "no such luck"}, 8
    ),
    "the tool of the health check is missing": Case(
        {"web": checked("sleep 600", "CMD", "curl", "http://127.0.0.1")}, {}
    ),
    "crash loop": Case({"web": shell("echo no config; exit 7", restart="always")}, {"web": "no config"}),
    "death right after having been healthy": Case(
        {
            "web": checked("touch /ok; sleep 2; rm /ok; exit 4", "CMD-SHELL", "test -e /ok"),
            "slow": shell("sleep 600", depends_on={"late": COMPLETED}),
            "late": shell("sleep 4"),
        },
        {"web": "exit code 4"},
    ),
    "one-shot that ends well, with a dependant": Case(
        {"job": shell("true"), "web": shell("sleep 600", depends_on={"job": COMPLETED})}, {}
    ),
    "one-shot that ends well, alone": Case({"job": shell("true"), "web": IDLE}, {}),
    "one-shot that fails": Case(
        {"job": shell("echo no table; exit 3"), "web": shell("sleep 600", depends_on={"job": COMPLETED})},
        {"job": "exit code 3", "web": "depends on job"},
    ),
    "the root cause is two steps down": Case(
        {
            "web": shell("sleep 600", depends_on={"api": STARTED}),
            "api": shell("sleep 600", depends_on={"db": COMPLETED}),
            "db": shell("echo disk full; exit 1"),
        },
        {"db": "disk full", "web": "depends on db", "api": "depends on db"},
    ),
    "out of memory": Case(
        {"web": shell("tail /dev/zero", mem_limit="16m", memswap_limit="16m", init=False)}, {"web": "memory"}
    ),
    "a command that does not exist": Case(
        {"web": {**IDLE, "init": False, "command": ["/no/such/program"]}}, {"web": "could not start it"}
    ),
    "nobody listens at the published port": Case(
        {"web": shell("sleep 600", ports=["80"])}, {"web": "published port"}, 8
    ),
    "the published port is served": Case(
        {"web": {**IDLE, "command": ["perl", "-e", ANSWERING.replace("$", "$$")], "ports": ["80"]}}, {}
    ),
    "it listens on its own loopback only": Case(
        {"web": {**IDLE, "command": ["perl", "-e", LOOPBACK.replace("$", "$$")], "ports": ["80"]}},
        {"web": "listen on 0.0.0.0"},
        8,
    ),
    "unhealthy, and recovers within the budget": Case(
        {"web": checked("sleep 2.5; touch /ok; sleep 600", "CMD-SHELL", "test -e /ok")}, {}
    ),
    "unhealthy, and recovers within the budget, though Compose has given up on it": Case(
        {
            "db": checked("sleep 2.5; touch /ok; sleep 600", "CMD-SHELL", "test -e /ok"),
            "web": shell("sleep 600", depends_on={"db": HEALTHY}),
        },
        {},
    ),
    "a job that is tried again until it ends well": Case(
        {"job": shell("test -e /tried && exit 0; touch /tried; exit 1", restart="on-failure")}, {}
    ),
    "a job that is given up": Case({"job": shell("echo never; exit 5", restart="on-failure:1")}, {"job": "never"}),
    "an image that cannot be built": Case(
        {
            "web": {
                "command": ["true"],
                "build": {"context": ".", "dockerfile_inline": "FROM debian:bookworm-slim\nRUN exit 9\n"},
            }
        },
        {"web": "could not be built"},
    ),
    "it does not heed SIGTERM": Case({"web": shell("trap '' TERM; sleep 600 & wait; sleep 600", init=False)}, {}),
}
# The others at night: each takes seconds that every commit would pay.
BY_DAY = {
    "crash loop",
    "death right after having been healthy",
    "it listens on its own loopback only",
    "one-shot that ends well, alone",
    "out of memory",
    "the root cause is two steps down",
    "the tool of the health check is missing",
    "unhealthy, and recovers within the budget, though Compose has given up on it",
}


@pytest.fixture(autouse=True)
def engine(require: Any) -> None:
    docker = shutil.which("docker")
    require("docker", docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode)


@pytest.fixture
def run_id():
    return f"test-{uuid4().hex}"


def driver_of(folder: Path, project: dict[str, Any], run_id: str, budget: float = 60.0) -> ComposeDriver:
    folder.mkdir(exist_ok=True)
    (folder / "compose.yaml").write_text(json.dumps(project), encoding="utf-8")
    spec = StackSpec(compose=("compose.yaml",), boot_budget_us=int(budget * 1e6))
    return ComposeDriver(spec, folder / "run", folder, run_id)


async def up_and_down(driver: ComposeDriver) -> Booted:
    try:
        return await driver.start(lambda _: None)
    finally:
        await driver.stop()


def left_of(run_id: str) -> str:
    """Containers, networks and volumes that still carry the run's label."""
    docker = shutil.which("docker") or "docker"
    told = ""
    for what in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        command = [docker, *what, "--quiet", "--filter", f"label={RUN}={run_id}"]
        told += subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return told


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=() if name in BY_DAY else (pytest.mark.nightly,))
        for name, case in CASES.items()
    ],
)
def test_a_stack_is_judged_and_taken_down(case: Case, tmp_path: Path, run_id: str):
    driver = driver_of(tmp_path, {"services": case.services}, run_id, case.budget)
    booted = asyncio.run(up_and_down(driver))
    assert booted.failures.keys() == case.failures.keys(), booted.failures
    assert list(booted.failures)[:1] == list(case.failures)[:1], "the root cause is not named first"
    for name, words in case.failures.items():
        assert words in booted.failures[name]
    assert left_of(run_id) == ""


def test_a_broken_health_check_is_called_that(tmp_path: Path, run_id: str):
    services = {"web": checked("sleep 600", "CMD", "curl", "http://127.0.0.1"), "job": shell("true")}
    booted = asyncio.run(up_and_down(driver_of(tmp_path, {"services": services}, run_id)))
    notes = dict(booted.notes)
    assert booted.failures == {}
    assert "web: its health check cannot run" in notes["broken-health-check"]
    assert "curl" in notes["broken-health-check"]
    assert notes["taken-for-one-shot"].startswith("job ended")


def test_what_was_taken_away_is_given_back(tmp_path: Path, run_id: str):
    """Killed, paused, disconnected: found again where the stack says, under the name by which others call it."""
    web = {**IDLE, "command": ["perl", "-e", ANSWERING.replace("$", "$$")], "ports": ["80"]}
    asks = "perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => q(web), PeerPort => 80)'"
    driver = driver_of(tmp_path, {"services": {"web": web, "caller": checked("sleep 600", "CMD-SHELL", asks)}}, run_id)

    async def play() -> None:
        try:
            booted = await driver.start(lambda _: None)
            assert booted.failures == {}
            for do, undo, of in (
                (Action.KILL, Action.RESTART, ""),
                (Action.PAUSE, Action.RESUME, ""),
                (Action.CUT, Action.MEND, "network"),
            ):
                await driver.disturb(Disruption(do, "web", of))
                await driver.disturb(Disruption(undo, "web", of))
                found = driver.now().service("web").container
                assert found
                assert found.ports == (80,)
                assert await kept([int(driver.now().service("web").url.rpartition(":")[2])]) == [True]
                await driver.disturb(Disruption(Action.RESTART, "caller"))
            assert all(event.asked for event in driver.now().happened if event.state == "died")
        finally:
            await driver.stop()

    asyncio.run(play())


def test_two_runs_of_a_file_with_fixed_names_and_ports_do_not_meet(tmp_path: Path):
    served = {**IDLE, "command": ["perl", "-e", ANSWERING.replace("$", "$$")]}
    web = {**served, "container_name": "same", "ports": ["127.0.0.1:18080:80"], "volumes": ["data:/data"]}
    project = {"services": {"web": web}, "volumes": {"data": {"name": "same"}}}

    async def both() -> list[Booted]:
        drivers = [driver_of(tmp_path / name, project, f"test-{uuid4().hex}") for name in ("a", "b")]
        try:
            return list(await asyncio.gather(*(driver.start(lambda _: None) for driver in drivers)))
        finally:
            await asyncio.gather(*(driver.stop() for driver in drivers))

    one, two = asyncio.run(both())
    assert (one.failures, two.failures) == ({}, {})
    assert one.stack.service("web").url != two.stack.service("web").url


def test_a_death_after_the_boot_is_told(tmp_path: Path, run_id: str):
    driver = driver_of(tmp_path, {"services": {"web": shell("sleep 8; echo gone; exit 9")}}, run_id)

    async def watch() -> list[Happened]:
        heard: list[Happened] = []
        died = asyncio.Event()

        def hear(one: Happened) -> None:
            heard.append(one)
            if one.state == "died":
                died.set()

        try:
            await driver.start(hear)
            await asyncio.wait_for(died.wait(), 60)
        finally:
            await driver.stop()
        return heard

    heard = asyncio.run(watch())
    assert [one.state for one in heard][-2:] == ["ready", "died"]
    assert "exit code 9" in heard[-1].detail
    assert not heard[-1].asked
