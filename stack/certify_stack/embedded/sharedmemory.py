"""System V shared memory, which the kernel keeps after the processes that used it (Linux)."""

from __future__ import annotations

import ctypes

_IPC_RMID = 0
_IPC_STAT = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Permissions(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("gid", ctypes.c_uint),
        ("cuid", ctypes.c_uint),
        ("cgid", ctypes.c_uint),
        ("mode", ctypes.c_uint),
        ("sequence", ctypes.c_ushort),
        ("padding", ctypes.c_ushort),
        ("reserved", ctypes.c_ulong * 2),
    )


class _Segment(ctypes.Structure):
    _fields_ = (
        ("permissions", _Permissions),
        ("size", ctypes.c_size_t),
        ("attached_at", ctypes.c_long),
        ("detached_at", ctypes.c_long),
        ("changed_at", ctypes.c_long),
        ("creator", ctypes.c_int),
        ("last", ctypes.c_int),
        ("attached", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong * 2),
    )


def users(segment: int) -> int:
    """How many processes use it; 0 when there is no such segment."""
    seen = _Segment()
    return int(seen.attached) if _LIBC.shmctl(segment, _IPC_STAT, ctypes.byref(seen)) == 0 else 0


def remove(segment: int) -> None:
    """Remove it; nothing happens when it is gone or belongs to others."""
    _LIBC.shmctl(segment, _IPC_RMID, None)
