"""Ctrl-C and SIGKILL in every stage of a run with the whole stack: nothing stays, nothing is falsely green."""

import importlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = str(Path(__file__).resolve().parents[2] / "benchmarks")
if BENCHMARKS not in sys.path:
    sys.path.append(BENCHMARKS)
kills: Any = importlib.import_module("kills")

NARROW = ("--only", "health", "--only", "federation", "--quick")
Condition = Callable[[dict[str, Any]], bool]


def started(check: str) -> Condition:
    return lambda event: event["event"] == "job-started" and event["check"] == check


STAGES: dict[str, Condition] = {
    "set-up": lambda event: event["event"] == "phase" and event["name"] == "boot",
    "boot": lambda event: event["event"] == "boot" and event["state"] == "listening",
    "health": started("health"),
    "federation": started("federation"),
    "down": lambda event: event["event"] == "phase" and event["name"] == "down",
    "seal": lambda event: event["event"] == "phase" and event["name"] == "seal",
}
# Before every commit those that differ most; the rest at night.
BY_DAY = {"boot", "health"}
KILLS_BY_DAY = {("set-up", "its folders are made"), ("boot", "PostgreSQL runs"), ("check federation", "0.5 s into it")}


def parameter(value: Any, *, by_day: bool, name: str) -> Any:
    return pytest.param(value, marks=() if by_day else pytest.mark.nightly, id=name)


@pytest.mark.stack
@pytest.mark.parametrize("stage", [parameter(stage, by_day=stage in BY_DAY, name=stage) for stage in STAGES])
def test_ctrl_c_seals_what_there_is_and_takes_everything_down(start: Callable[..., Any], stage: str) -> None:
    run = start(*NARROW)
    run.wait_for(STAGES[stage])
    run.process.send_signal(signal.SIGINT)
    code = run.finish()
    assert run.living() == []
    assert run.leftovers() == []
    # A signal that comes after the last check finds the answer complete.
    early = stage not in {"down", "seal"}
    assert code == (130 if early else 3)
    assert run.document("decision.json")["verdict"] in {"INCONCLUSIVE", "PARTIAL"}
    assert run.document("record.json")["interrupted"] == ("SIGINT" if early else "")


@pytest.mark.stack
@pytest.mark.parametrize(
    "kill",
    [
        parameter(kill, by_day=(kill.phase, kill.moment) in KILLS_BY_DAY, name=f"{kill.phase}-{kill.moment}")
        for kill in kills.KILLS
    ],
)
def test_a_killed_run_leaves_nothing_and_no_certificate(
    kill: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The benchmark judges how soon that is; here other tests have the machine too.
    monkeypatch.setattr(kills, "SECONDS", 60.0)
    monkeypatch.setattr(kills, "_MOMENT_SECONDS", 300.0)
    outcome = kills.do(kill, tmp_path)
    assert outcome.clean, kills.row(outcome)


def test_the_table_has_a_kill_for_every_phase_and_every_check() -> None:
    assert len(kills.KILLS) >= 20
    assert {(kill.phase, kill.moment) for kill in kills.KILLS} >= KILLS_BY_DAY
    checks = {
        f"check {name}" for name in ("health", "federation", "replay", "owasp", "debt", "load", "coverage", "scenario")
    }
    assert {kill.phase for kill in kills.KILLS} >= checks | {"set-up", "boot", "sealing", "teardown"}


def test_what_a_run_leaves_is_seen(tmp_path: Path) -> None:
    """The instrument is not blind: a process, its socket and its child, and a folder are found, and their end is."""
    (tmp_path / "tmp" / "certify-x").mkdir(parents=True)
    serving = "import socket, subprocess, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    child = "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'], env={})"
    with subprocess.Popen(
        [sys.executable, "-c", f"{serving}; {child}"], env={kills.MARK: "seen"}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        belongings = kills.Belongings("seen")
        wait_until(lambda: len(belongings.left(tmp_path)) == 4)
        left = belongings.left(tmp_path)
        assert [word for line in left for word in line.split()[:1]] == ["process", "process", "socket", "folder"]
        assert f"socket on port {port}" in left
        process.kill()
        process.wait()
        assert [line.split()[0] for line in belongings.left(tmp_path)] == ["process", "folder"]
        for one in belongings.processes:
            one.kill()
        (tmp_path / "tmp" / "certify-x").rmdir()
        wait_until(lambda: belongings.left(tmp_path) == [])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
