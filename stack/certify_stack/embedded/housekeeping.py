"""What caches keep, and how what nobody uses any more goes."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

_IN_USE_SECONDS = 600
_GOING = ".going-"


def used(folder: Path) -> bool:
    """Mark a folder as used now; whether it is there."""
    try:
        os.utime(folder)
    except OSError:
        return False
    return True


def keep(root: Path, prefix: str, newest: int) -> None:
    """Remove folders of this prefix but for the newest ones and what was used within ten minutes; and what was left half done."""
    for stale in _by_age(root, f"{prefix}*")[newest:]:
        if _rests(stale):
            _remove(stale)
    for left in (*_by_age(root, f".{prefix}*"), *_by_age(root, f"{_GOING}*")):
        if _rests(left):
            shutil.rmtree(left, ignore_errors=True)


def _by_age(root: Path, pattern: str) -> list[Path]:
    found: list[tuple[float, Path]] = []
    for path in root.glob(pattern):
        with suppress(FileNotFoundError):
            found.append((path.lstat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def _rests(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime > _IN_USE_SECONDS
    return False


def _remove(folder: Path) -> None:
    """Out of the way first: half a folder must never be taken for a whole one."""
    going = folder.with_name(f"{_GOING}{os.getpid()}-{folder.name}")
    with suppress(OSError):
        folder.rename(going)
        shutil.rmtree(going, ignore_errors=True)
