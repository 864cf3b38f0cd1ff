"""Cleans up after a run whose owner died, SIGKILL included.

A tiny process in a session of its own reads lines from a pipe that only the owner can write to: `process PID STARTED` and
`folder PATH`. When the pipe ends, however that came about, it ends the processes that still run and removes the folders. The
orderly stop takes the same way, so it is never untried. A sweep at the next start removes what even a killed guardian left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from certify_stack.embedded.procs import ProcessId, descendants, end_all, wait_gone

OWNER_FILE = "owner"
_OWNER_MODE = 0o600
# Seconds: a folder gets its note at once, and loses it again when its removal was begun and not finished.
_IN_THE_MAKING = 600
_GRACE_SECONDS = 1.5
_LEAVE_SECONDS = 10.0


@dataclass
class Estate:
    """What a run leaves behind."""

    processes: dict[ProcessId, int] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Take in one line; a half one, of an owner that died while writing, is passed over."""
        kind, _, rest = line.rstrip("\n").partition(" ")
        if kind == "folder" and line.endswith("\n"):
            self.folders.append(Path(rest))
        elif kind == "process" and line.endswith("\n"):
            pid, started, gentle = (int(number) for number in rest.split())
            self.processes[ProcessId(pid, started)] = gentle

    def settle(self) -> None:
        """End the processes, the last started first asked, and remove the folders."""
        for process, gentle in reversed(self.processes.items()):
            # What was paused hears of nothing but a SIGKILL; its children might not even hear of that.
            family = (process, *descendants(process.pid)) if process.alive else ()
            process.signal(gentle)
            for member in family:
                member.signal(signal.SIGCONT)
        end_all(wait_gone(self.processes, _GRACE_SECONDS), _GRACE_SECONDS, gentle=signal.SIGKILL)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


class Guardian:
    """The owner's side: tell what belongs to the run, then close."""

    def __init__(self) -> None:
        """Start the guardian process."""
        self._estate = Estate()
        # Not a module path but this file, without site-packages: it starts in 20 ms and needs nothing that could break.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _BOOT, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Nor anything by which whoever cleans up after the owner would find it, and end it before it has done its work.
            env={},
            cwd="/",
            start_new_session=True,
        )

    def watch(self, pid: int, *, gentle: int = signal.SIGTERM) -> None:
        """End this process with the run; `gentle` is the signal that it is first asked with."""
        identity = ProcessId.of(pid)
        if identity is not None:
            self._tell(f"process {identity.pid} {identity.started} {int(gentle)}")

    def remove(self, folder: Path) -> None:
        """Remove this folder with the run."""
        self._tell(f"folder {folder}")

    def close(self) -> None:
        """End what still runs and remove the folders; returns when that is done."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        try:
            done = self._process.wait(_LEAVE_SECONDS) == 0
        except subprocess.TimeoutExpired:
            done = False
        if not done:
            self._estate.settle()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - made with a pipe above; for the type checker
        return self._process.stdin

    def _tell(self, line: str) -> None:
        self._estate.note(f"{line}\n")
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(line.encode("utf-8", "surrogateescape") + b"\n")
            self._pipe.flush()


_BOOT = "import sys; sys.path.append(sys.argv[1]); from certify_stack.embedded.guardian import main; main()"


def main() -> None:
    """Read until the owner is gone, then settle."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    estate = Estate()
    for line in sys.stdin:
        estate.note(line)
    estate.settle()


def mark_owned(folder: Path) -> None:
    """Write into `folder` which process owns it, for the sweep of a later run."""
    me = ProcessId.of(os.getpid())
    assert me is not None  # noqa: S101 - a process that runs this is neither absent nor a zombie
    path = folder / OWNER_FILE
    path.touch(mode=_OWNER_MODE)
    path.write_text(f"{me.pid} {me.started}\n", encoding="ascii")


def sweep(root: Path, prefix: str) -> list[Path]:
    """Remove folders of ours below `root` whose owner is gone; returns them."""
    return [folder for folder in root.glob(f"{prefix}*") if _abandoned(folder) and not _removed(folder).exists()]


def _abandoned(folder: Path) -> bool:
    """With a note of an owner that is gone; without any when it is too old to be in the making still."""
    try:
        seen = folder.lstat()
        if seen.st_uid != os.geteuid() or not folder.is_dir() or folder.is_symlink():
            return False
        pid, started = (folder / OWNER_FILE).read_text(encoding="ascii").split()
        return not ProcessId(int(pid), int(started)).alive
    except FileNotFoundError:
        return time.time() - seen.st_mtime > _IN_THE_MAKING
    except (OSError, ValueError):
        return False


def _removed(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder
