"""What a forked child does before its own work, and how the parent tells how a child ended."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from certify_stack.embedded.procs import die_with

_CRASHED = 70


def fork(work: Callable[[], int], log: Path) -> int:
    """Fork a child that does `work`, with its output in `log`, and exits with what that returns; returns its pid.

    Call it from the main thread, whose end would be the child's.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(work, log, parent)
    return pid


def ended() -> Iterator[tuple[int, int]]:
    """Pid and wait status of every child that ended since the last call."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def describe(status: int) -> str:
    """A wait status in words: `signal SIGKILL` or `exit code 3`."""
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def _become(work: Callable[[], int], log: Path, parent: int) -> NoReturn:
    """Never returns to the parent's code, whatever happens."""
    code = _CRASHED
    try:
        die_with(parent)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        redirect(log, 1, 2)
        redirect(Path(os.devnull), 0)
        code = work()
    except BaseException:  # noqa: BLE001 - the parent's stack must not continue in a child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def redirect(file: Path, *descriptors: int) -> None:
    """Let these standard descriptors lead to a file, which is appended to."""
    target = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in descriptors:
        os.dup2(target, descriptor)
    os.close(target)
