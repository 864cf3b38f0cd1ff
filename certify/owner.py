"""Which process owns a run: so that what a killed run left behind can be told from what a living one uses."""

import hashlib
import os
import platform
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MACHINE_ID = Path("/etc/machine-id")
_GONE = frozenset("ZX")
_PIDS = Path("/proc/self/ns/pid")


def own() -> str:
    """This process, told apart from all others that may use the same engine, and from one that gets its number later.

    Machine, boot, process namespace, pid, start time in clock ticks: an engine may be shared by several machines, and by
    containers that see processes of their own alone.
    """
    return ":".join((*_place(), str(os.getpid()), _started(os.getpid())))


def lives(owner: str) -> bool:
    """Whether the process that `own` named is still there; True also when that cannot be told from here."""
    words = owner.split(":")
    if len(words) != len(_place()) + 2:
        return True
    machine, boot, namespace, pid, started = words
    here = _place()
    if machine != here[0]:
        return True
    if boot != here[1]:
        return False
    return namespace != here[2] or not pid.isdecimal() or started == _started(int(pid))


def _place() -> tuple[str, str, str]:
    # The name as well: copies of a machine, and containers, often share an id.
    machine = f"{_MACHINE_ID.read_text() if _MACHINE_ID.exists() else ''}{platform.node()}"
    namespace = str(_PIDS.readlink()).strip("pid:[]")
    return hashlib.sha256(machine.encode()).hexdigest()[:12], _BOOT_ID.read_text().strip(), namespace


def _started(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # Fields 3 and 22 of proc(5); the name, field 2, was cut off with its parenthesis. A zombie owns nothing any more.
    return "" if fields[0] in _GONE else fields[19]
