"""Child processes of a check: none of them outlives it, also when it is killed with SIGKILL."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None]:
    """A `preexec_fn` that has the kernel kill the child when its parent ends (Linux; elsewhere it does nothing)."""
    parent = os.getpid()
    if sys.platform != "linux":
        return _nothing
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the signal was armed
            os._exit(1)

    return arm


def _nothing() -> None:
    return


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a child that is still running, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
