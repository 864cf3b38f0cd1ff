"""A real drill of the finance profile."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = ("debug-output", "code-in-comments", "unfinished-work-marked")
STACK = ("ready-now-and-then", "version-forgotten", "subgraphs-conflict")


def drill(folder: Path, *arguments: str, seconds: float = 600) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "certify", "drill", "--profile", "finance", "--format", "json", *arguments]
    # As a command of its own: below pytest, the checks' processes would inherit the test's settings.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def words(*faults: str) -> list[str]:
    return [word for name in faults for word in ("--fault", name)]


def test_source_faults_are_caught_in_one_copy(tmp_path: Path):
    code, answer = drill(tmp_path, *words(*SOURCE))
    assert (code, answer["clean"]["outcome"]) == (0, "clean"), answer
    assert {one["fault"] for one in answer["faults"] if one["caught"]} == set(SOURCE)
    assert len({one["scene"] for one in answer["faults"]}) == 1


@pytest.mark.stack
def test_faults_of_the_running_stack_are_caught(tmp_path: Path):
    code, answer = drill(tmp_path, *words(*STACK))
    assert (code, answer["clean"]["outcome"]) == (0, "clean"), answer
    assert {one["fault"] for one in answer["faults"] if one["caught"]} == set(STACK)


@pytest.mark.stack
@pytest.mark.nightly
def test_every_fault_is_caught_by_its_rule(tmp_path: Path):
    code, answer = drill(tmp_path, seconds=7200)
    # What needs the advisory service may not be told offline; everything else must be.
    offline = {one["rule"] for one in answer["clean"]["trouble"]} == {"owasp.dependencies"}
    missed = {one["fault"]: one["detail"] for one in answer["faults"] if not one["caught"]}
    assert missed.keys() <= ({"vulnerable-dependency"} if offline else set()), missed
    assert code == (3 if offline else 0)
    assert sum("health." in one["expected"][0] for one in answer["faults"]) >= 16
