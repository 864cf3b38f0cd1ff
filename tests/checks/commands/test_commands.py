"""Commands of the product: bounded, recorded, and ended with all that they started."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from certify_checks.commands import Ran, python, run

SPAWNS = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep({seconds})"


def go(tmp_path: Path, *words: str, seconds: float = 60) -> Ran:
    return asyncio.run(run(words, folder=tmp_path, seconds=seconds, log=tmp_path / "log"))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_end_of_the_output_is_kept(tmp_path: Path):
    ran = go(tmp_path, sys.executable, "-c", "print('x' * 9000); raise SystemExit('broken')")
    assert (ran.code, len(ran.tail)) == (1, 4000)
    assert ran.complaint == "exit code 1: broken"
    assert (tmp_path / "log").stat().st_size > 9000


def test_a_command_that_does_not_exist_is_said(tmp_path: Path):
    ran = go(tmp_path, "no-such-command-here")
    assert ran.code is None
    assert "no-such-command-here: No such file" in ran.tail


@pytest.mark.parametrize(("seconds", "limit"), [(0, 60), (600, 5)])
def test_what_it_started_ends_with_it(tmp_path: Path, seconds: int, limit: int):
    ran = go(tmp_path, sys.executable, "-c", SPAWNS.format(seconds=seconds), seconds=limit)
    assert ran.code == (None if seconds else 0)
    child = int(ran.tail.split()[0])
    deadline = time.monotonic() + 60
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def test_settings_of_the_callers_shell_stay_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("PYTEST_ADDOPTS", "COVERAGE_PROCESS_START"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("CERTIFY_JOB_ID", "kept")
    ran = go(tmp_path, sys.executable, "-c", "import os; print(sorted(os.environ))")
    assert "'CERTIFY_JOB_ID'" in ran.tail
    assert "'PYTEST_ADDOPTS'" not in ran.tail
    assert "'COVERAGE_PROCESS_START'" not in ran.tail


def test_python_is_the_interpreter_that_runs_certify():
    assert python(["python", "-m", "python"]) == [sys.executable, "-m", "python"]
    assert python(["sh"]) == ["sh"]
    assert os.path.isabs(sys.executable)  # noqa: PTH117 - a plain question
