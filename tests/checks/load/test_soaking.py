"""What real processes hold is seen, and which of them leaks."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Container, Context, Criteria, Limit, Outcome, Service, Stack
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig
from certify_checks.load.holdings import KINDS, Holding, Soak
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing import soaking as module
from certify_checks.load.observing.belongings import ceilings, look
from certify_checks.load.observing.contained import Engine, counted
from certify_checks.load.observing.soaking import soaking

(LEAKS,) = (rule for rule in CHECK.rules if rule.id == "leaks")
CRITERIA = Criteria({kind: Limit.parse("< 25 %") for kind in KINDS})
KEEPS = {
    "memory": "kept.append(os.urandom(1 << 20))",
    "handles": "kept += [os.open(os.devnull, 0) for _ in range(60)]",
    "connections": "kept += [socket.socket() for _ in range(60)]",
    "threads": "[threading.Thread(target=time.sleep, args=(99,), daemon=True).start() for _ in range(60)]",
}
PROGRAM = """
import os, resource, socket, sys, threading, time
resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))
threading.stack_size(65536)
kept = []
print(flush=True)
while True:
    {keeps}
    time.sleep(0.05)
"""
Run = Callable[[str], AbstractContextManager[int]]


@contextmanager
def running(keeps: str = "pass") -> Iterator[int]:
    """A process that does so twenty times a second."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROGRAM.format(keeps=keeps)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def watched(
    folder: Path, *services: Service, rules: tuple[str, ...] = ("leaks",), seconds: float = 4.0, waits: float = 0.0
) -> Soak:
    ctx = Context("load", folder, folder, rules=rules, stack=Stack(services))

    async def observe() -> Soak:
        plan = {"ramp": 0.0, "warmup": 0.0, "hold": seconds}
        async with soaking(ctx, LoadConfig(memory="256 MiB"), plan) as told:
            await asyncio.sleep(waits)
            told.begin()
            await asyncio.sleep(seconds)
        return told.seen

    return asyncio.run(observe())


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OFTEN", 0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_leaks_is_told_from_one_that_does_not(clean: LoadSeen, tmp_path: Path, kind: str):
    with running() as good, running(KEEPS[kind]) as bad:
        soak = watched(tmp_path, Service("good", pid=good), Service("bad", pid=bad))
    assert [one.starts for one in soak.parts] == [1, 1]
    assert not any(one.unknown for one in soak.parts)
    # A machine that kills threads or runs out of them must not decide; what a container may have is small.
    soak = replace(soak, parts=tuple(replace(one, ceilings=one.ceilings | {"threads": 2000}) for one in soak.parts))
    ruling = LEAKS.judge(replace(clean, soak=soak), CRITERIA)
    assert ruling.outcome is Outcome.FAIL, ruling
    assert {finding.location.service for finding in ruling.findings} == {"bad"}
    assert f"{kind}-leak" in {finding.code for finding in ruling.findings}


def test_nothing_is_watched_that_nobody_asks_for(tmp_path: Path):
    with running() as pid:
        assert watched(tmp_path, Service("good", pid=pid), rules=("latency",), seconds=0.1).missing


def test_a_stack_without_processes_is_told(tmp_path: Path):
    assert watched(tmp_path, Service("far", "http://127.0.0.1:1"), seconds=0.1).missing


def test_a_process_that_ends_is_seen_until_then(tmp_path: Path):
    with running() as good, running() as short:
        os.kill(short, signal.SIGKILL)
        os.waitpid(short, 0)
        soak = watched(tmp_path, Service("good", pid=good), Service("short", pid=short), seconds=1.0)
    there, gone = soak.parts
    assert there.at_us
    assert gone == Holding("short", ceilings={"memory": 256 << 20}) or not gone.at_us


def test_looks_are_those_of_the_load_however_late_it_begins(tmp_path: Path):
    with running() as pid:
        soak = watched(tmp_path, Service("good", pid=pid), seconds=2.0, waits=2.5)
    first, *later = soak.parts[0].at_us
    assert soak.from_us >= 2_500_000
    assert first < 2_500_000
    assert later
    assert min(later) > 2_500_000


def test_one_without_a_process_is_not_left_out(clean: LoadSeen, tmp_path: Path):
    with running() as pid:
        soak = watched(tmp_path, Service("good", pid=pid), Service("gone"), seconds=3.0)
    assert [(one.name, bool(one.at_us)) for one in soak.parts] == [("good", True), ("gone", False)]
    ruling = LEAKS.judge(replace(clean, soak=replace(soak, over_us=1)), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "not-all-seen"), ruling


FORKS = """
import os, sys
held = bytearray(os.urandom(8 << 20))
if child := os.fork():
    print(child, flush=True)
    # The child alone reads: one of two who read the same pipe takes what the other waits for.
    os.waitpid(child, 0)
    os._exit(0)
sys.stdin.readline()
for place in range(0, len(held), 4096):
    held[place] = 1
os.write(1, b"written\\n")
sys.stdin.read()
"""


def test_memory_of_a_copy_on_write_is_no_growth():
    def private(pid: int) -> int:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_Dirty"))

    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        child = int(process.stdout.readline())
        before, own = look(child), private(child)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"written\n"
        after, owned = look(child), private(child)
        process.stdin.close()
    assert owned - own > 7 << 20
    assert before
    assert after
    assert abs(after.held["memory"] - before.held["memory"]) < 1 << 20


def test_a_look_that_raises_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def snapshot() -> None:
        raise OSError("too many open files")

    with running() as pid:
        looks = iter(range(3))
        real = module.snapshot
        monkeypatch.setattr(module, "snapshot", lambda: real() if next(looks, None) is not None else snapshot())
        with pytest.raises(OSError, match="too many open files"):
            watched(tmp_path, Service("good", pid=pid), seconds=2.0)


ENDED = """
import os, sys, time
if not (child := os.fork()):
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
sys.stdin.read()
"""


def test_a_process_that_ended_and_is_not_yet_buried_is_gone():
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", ENDED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        child = int(process.stdout.readline())
        assert Path(f"/proc/{child}/stat").exists()
        dead, parent = look(child), look(process.pid, table=module.snapshot())
        process.stdin.close()
    assert dead is None
    assert parent
    assert not parent.unknown
    assert parent.held["threads"] == 1


def test_ceilings_are_those_of_the_process():
    with running() as pid:
        found = ceilings(pid)
    assert found["handles"] == found["connections"] == 20_000
    assert 0 < found["threads"] <= 1 << 22


def test_an_engine_elsewhere_tells_memory_and_threads_alone():
    stats = {
        "memory_stats": {"usage": 5000, "stats": {"inactive_file": 1000}},
        "pids_stats": {"current": 7},
    }
    found = counted("x", stats)
    assert found
    assert found.held == {"memory": 4000, "threads": 7}
    assert set(found.unknown) == {"handles", "connections"}
    assert counted("x", {"memory_stats": {}}) is None


OPENS = """
for (;;) { for (1..60) { open(my $f, "<", "/dev/null"); push @k, $f } select(undef, undef, undef, 0.05) }
"""


@pytest.fixture
def container(require: Callable[[str, object], None]) -> Iterator[str]:
    """The id of a container that opens files and closes none."""
    docker = shutil.which("docker") or ""
    require("docker", docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode)
    limits = ("--memory", "64m", "--pids-limit", "77", "--ulimit", "nofile=20000:20000")
    command = [docker, "run", "--detach", *limits, "debian:bookworm-slim", "perl", "-e", OPENS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run([docker, "rm", "--force", done.stdout.strip()], capture_output=True, check=True)


@pytest.mark.docker
def test_a_container_is_watched_by_its_processes_and_its_own_limits(clean: LoadSeen, tmp_path: Path, container: str):
    soak = watched(tmp_path, Service("shop", container=Container(container)))
    (part,) = soak.parts
    assert (part.ceilings["memory"], part.ceilings["threads"], part.ceilings["handles"]) == (64 << 20, 77, 20_000)
    ruling = LEAKS.judge(replace(clean, soak=soak), CRITERIA)
    assert "handles-leak" in {finding.code for finding in ruling.findings}, ruling


@pytest.mark.docker
def test_a_container_elsewhere_is_watched_by_its_engine(container: str):
    engine = Engine("")
    try:
        known = engine.known([Service("shop", container=Container(container))])
        found = engine.look(known)["shop"]
        assert found
        assert found.held["memory"] > 0
        assert found.held["threads"] >= 1
        assert found.identity == known["shop"].identity
        assert engine.known([Service("gone", container=Container("0" * 64))]) == {}
    finally:
        engine.close()
