"""Ctrl-C and SIGKILL in every stage of a run with the whole stack: nothing stays, nothing is falsely green."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

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
# Before every commit the two that differ most; the rest at night.
BY_DAY = {"boot", "health"}
PARAMETERS = [pytest.param(stage, marks=() if stage in BY_DAY else pytest.mark.nightly) for stage in STAGES]


@pytest.mark.stack
@pytest.mark.parametrize("stage", PARAMETERS)
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
@pytest.mark.parametrize("stage", PARAMETERS)
def test_a_killed_run_leaves_no_process_no_folder_and_no_certificate(start: Callable[..., Any], stage: str) -> None:
    run = start(*NARROW)
    run.wait_for(STAGES[stage])
    run.process.kill()
    run.finish()
    run.wait_until_gone(seconds=15)
    if (run.folder / "certification").exists():
        assert stage == "seal"
        assert run.document("decision.json")["verdict"] not in {"CERTIFIED", "CERTIFIED WITH WAIVERS"}
