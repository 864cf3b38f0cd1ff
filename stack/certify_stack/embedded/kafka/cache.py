"""Where what is fetched and made once is kept, for this user alone to write."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certify_stack.embedded.accounts import Account
from certify_stack.embedded.binaries import BinariesError, cache_root
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell

_LOCK = ".kafka.lock"
_WORK = ".kafka-work-"


def root() -> Path:
    """The user's cache folder of certify; made when absent.

    Raises:
        KafkaError: There is no place that this user can write to.
    """
    uid = os.geteuid()
    try:
        return cache_root(Account(f"number {uid}", uid, os.getegid(), foreign=False))
    except (BinariesError, RuntimeError) as error:
        raise KafkaError(
            "no folder to keep the broker's files in, neither in the user's cache nor below /var/tmp; "
            "set XDG_CACHE_HOME to a folder that you can write to and others cannot"
        ) from error


@contextmanager
def locked(folder: Path, tell: Tell) -> Iterator[None]:
    """One run at a time fills the cache; the kernel frees the lock of one that died."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(Progress("waiting for another run that prepares the broker"))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Only the holder of the lock works here, so what lies about was left by one that was killed.
        for left in folder.glob(f"{_WORK}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A private folder beside what will be made, so that a rename can put it in its place; gone afterwards. Lock before."""
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
