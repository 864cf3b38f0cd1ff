"""Processes that belong to a run: they carry its mark in their environment and do not outlive it.

Linux only: parent-death signals by prctl(2), and /proc to find what a dead process left behind.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

RUN_MARK = "CERTIFY_RUN_ID"
JOB_MARK = "CERTIFY_JOB_ID"
_PR_SET_PDEATHSIG = 1
_ZOMBIE_STATES = frozenset("ZX")


def die_with_parent(expected_parent: int) -> None:
    """Have this process killed when its parent dies; end at once if it is dead already.

    The signal goes off when the parent *thread* ends, so a parent must start children from a thread that stays.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != expected_parent:
        os._exit(1)


def marked(mark: str, value: str) -> Iterator[int]:
    """Pids of the living processes, other than this one, whose environment says `mark=value`."""
    wanted = f"{mark}={value}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and _alive(folder):
                yield int(folder.name)


def _alive(folder: Path) -> bool:
    # Where PID 1 does not reap, a dead orphan answers to kill(pid, 0) for ever; its state tells the truth.
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] not in _ZOMBIE_STATES


def end_marked(mark: str, value: str, *, patience: float = 2.0) -> int:
    """End all processes with that mark, at first by SIGTERM, after `patience` seconds by SIGKILL.

    Returns:
        How many were found.
    """
    found = set(marked(mark, value))
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + patience
    left = found
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = set(marked(mark, value))
    # A process that forks while it dies may leave a child behind: look again until there is none.
    for _ in range(20):
        left = set(marked(mark, value))
        if not left:
            break
        found |= left
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
    return len(found)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
