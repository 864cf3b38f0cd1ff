"""Processes that never outlive their owner, and the truth about which of them still run (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_POLL_SECONDS = 0.01
HALT_SECONDS = 10.0
"""How long a process that was sent SIGSTOP may take to stand still, in seconds, before that is an error."""


def die_with(parent: int, signal_number: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `signal_number` to this process when the thread that forked it ends.

    Must be the first act of a child, after any change of user (which clears the setting). A parent that died even before
    that is noticed by comparison with `parent`, the pid that the forking process read of itself.
    """
    if _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(128 + signal_number)


def dying_with_caller(signal_number: int = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn` for a subprocess that shall end with the calling process. Start it from the main thread."""
    parent = os.getpid()

    def first_act() -> None:
        die_with(parent, signal_number)

    return first_act


@dataclass(frozen=True)
class ProcessId:
    """A pid together with its start time in clock ticks since boot, which tells it from a later process of the same pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Of a process that runs now; None when there is none, or only its unreaped remains."""
        stat = _stat(pid)
        return None if stat is None else cls(pid, stat)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs. A zombie does not: nobody may be there to reap it."""
        return _stat(self.pid) == self.started

    @property
    def halted(self) -> bool:
        """Whether none of its threads can run. After SIGSTOP one thread hears of it and then stops the others, which takes a while."""
        return not self.alive or all(_stopped(task) for task in Path(f"/proc/{self.pid}/task").glob("*/stat"))

    def signal(self, signal_number: int) -> None:
        """Signal this very process; nothing happens when it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive:
                signal.pidfd_send_signal(descriptor, signal_number)
        except ProcessLookupError:
            return
        finally:
            os.close(descriptor)


def descendants(pid: int) -> list[ProcessId]:
    """Children of a process, their children and so on, as far as they run now."""
    children: dict[int, list[ProcessId]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(ProcessId(int(entry.name), int(fields[19])))
    found = list(children.get(pid, ()))
    for process in found:
        found += children.get(process.pid, ())
    return found


def wait_gone(processes: Iterable[ProcessId], seconds: float) -> list[ProcessId]:
    """Wait until all are gone or the time is up; returns the ones that still run."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if process.alive]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [process for process in left if process.alive]
    return left


def wait_halted(process: ProcessId, seconds: float) -> bool:
    """Wait until a process that was sent SIGSTOP stands still; returns whether it does."""
    deadline = time.monotonic() + seconds
    while not process.halted:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def end_all(processes: Iterable[ProcessId], seconds: float, gentle: int = signal.SIGTERM) -> list[ProcessId]:
    """Ask all to end, force those that do not within `seconds`; returns those that survived even that."""
    waiting = list(processes)
    for process in waiting:
        process.signal(gentle)
    stubborn = wait_gone(waiting, seconds)
    for process in stubborn:
        process.signal(signal.SIGKILL)
    return wait_gone(stubborn, seconds)


def _stat(pid: int) -> int | None:
    """Start time of a process that is neither absent nor a zombie."""
    fields = _fields(pid)
    return int(fields[19]) if fields else None


def _stopped(stat: Path) -> bool:
    fields = _read(stat)
    return fields is None or fields[0] in {"T", "t", "Z", "X"}


def _fields(pid: int) -> list[str] | None:
    """What the kernel tells of a process that is neither absent nor a zombie, from its state on."""
    fields = _read(Path(f"/proc/{pid}/stat"))
    return None if fields is None or fields[0] in {"Z", "X"} else fields


def _read(stat: Path) -> list[str] | None:
    try:
        text = stat.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in brackets and may itself hold spaces and brackets.
    return text[text.rindex(")") + 2 :].split()
