"""Two folders change places in one step (Linux)."""

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# A file system that cannot (NFS, some overlays), or a C library without the call.
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def exchange(one: Path, other: Path) -> None:
    """Give each the other's name; where the file system cannot do it at once, by way of a third name.

    Raises:
        OSError: one of them is absent, or the file system says no.
    """
    code = _at_once(one, other)
    if code == 0:
        return
    if code not in _CANNOT:
        raise OSError(code, os.strerror(code), str(one), None, str(other))
    third = one.with_name(f"{one.name}.old")
    other.rename(third)
    one.rename(other)
    third.rename(one)


def _at_once(one: Path, other: Path) -> int:
    """Error number; 0: done."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return errno.ENOSYS
    done = libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return 0 if done == 0 else ctypes.get_errno()
