import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certify_stack.embedded.guardian import OWNER_FILE, Estate, Guardian, mark_owned, sweep
from certify_stack.embedded.procs import ProcessId, wait_gone, wait_halted

PREFIX = "certify-test-"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_closing_ends_processes_and_removes_folders(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    folder = tmp_path / "private"
    (folder / "deep").mkdir(parents=True)
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    guardian.remove(folder)
    assert folder.exists()
    guardian.close()
    assert not folder.exists()
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_stopped_process_is_woken_and_ended_too(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    guardian = Guardian()
    guardian.watch(sleeper.pid)
    guardian.close()
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_stopped_child_of_a_watched_process_is_woken_too() -> None:
    code = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout
        child = ProcessId.of(int(parent.stdout.readline()))
        assert child
        child.signal(signal.SIGSTOP)
        assert wait_halted(child, 30)
        child.signal(signal.SIGTERM)
        time.sleep(0.1)
        assert child.alive
        guardian = Guardian()
        guardian.watch(parent.pid)
        guardian.close()
        assert wait_gone([child], 10) == []


def test_the_owner_does_the_work_of_a_killed_guardian(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    guardian = Guardian()
    guardian.remove(folder)
    guardian._process.kill()
    guardian._process.wait()
    guardian.watch(sleeper.pid)
    guardian.close()
    assert not folder.exists()
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_later_process_of_the_same_number_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    estate = Estate()
    estate.note(f"process {sleeper.pid} 1 15\n")
    estate.settle()
    assert sleeper.poll() is None


def test_half_a_line_of_a_dying_owner_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    estate = Estate()
    estate.note(f"folder {folder}")
    estate.note("process 12")
    estate.settle()
    assert folder.exists()


def test_the_sweep_takes_only_what_a_dead_owner_left(tmp_path: Path) -> None:
    made = {name: tmp_path / f"{PREFIX}{name}" for name in ("dead", "mine", "unmarked", "rubbish", "half-removed")}
    for folder in made.values():
        folder.mkdir()
    mark_owned(made["mine"])
    me = ProcessId.of(os.getpid())
    assert me
    (made["dead"] / OWNER_FILE).write_text(f"{me.pid} {me.started - 1}\n")
    (made["rubbish"] / OWNER_FILE).write_text("who knows\n")
    (tmp_path / f"{PREFIX}link").symlink_to(made["dead"])
    os.utime(made["half-removed"], (0, 0))
    assert sorted(sweep(tmp_path, PREFIX)) == sorted([made["dead"], made["half-removed"]])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{PREFIX}{name}" for name in ("link", "mine", "rubbish", "unmarked")
    ]


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessId.of(process.pid)
        assert identity
        assert identity.alive
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.alive
        identity.signal(signal.SIGTERM)
