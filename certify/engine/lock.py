"""The machine-wide lock: timing rules hold the machine alone, everything else shares it.

Two files under one name: a turnstile that a waiting exclusive holder keeps, so that new shared holders cannot
starve it, and the lock proper. Both are advisory (flock), so the kernel frees them when a process dies.
"""

import asyncio
import fcntl
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


def lock_path() -> Path:
    """Where the lock lies: one place for all users of the machine, unless CERTIFY_LOCK says otherwise."""
    return Path(os.environ.get("CERTIFY_LOCK") or Path(tempfile.gettempdir()) / "certify-machine.lock")


@asynccontextmanager
async def machine(*, exclusive: bool, path: Path | None = None) -> AsyncIterator[int]:
    """Hold the machine, alone or shared; gives how long it had to be waited for, in microseconds.

    Raises:
        OSError: the lock file cannot be opened.
    """
    started = time.monotonic_ns()
    base = path or lock_path()
    turnstile, lock = _open(base.with_suffix(".gate")), _open(base)
    try:
        await _acquire(turnstile, fcntl.LOCK_EX)
        await _acquire(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield (time.monotonic_ns() - started) // 1000
    finally:
        os.close(turnstile)
        os.close(lock)


def _open(path: Path) -> int:
    # Another user's run shares the file, hence the mode; a link planted there is refused. Opened without
    # O_CREAT first, because the kernel refuses O_CREAT on another user's file in a sticky folder.
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    previous = os.umask(0)
    try:
        return os.open(path, flags if path.exists() else flags | os.O_CREAT, 0o666)
    finally:
        os.umask(previous)


async def _acquire(file: int, kind: int) -> None:
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return
