"""Which process owns a run: so that what a killed run left behind can be told from what a living one uses."""

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def own() -> str:
    """This process, told apart from one that gets its number later: boot, pid, start time in clock ticks."""
    return f"{_BOOT_ID.read_text().strip()}:{os.getpid()}:{_started(os.getpid())}"


def lives(owner: str) -> bool:
    """Whether the process that `own` named is still there."""
    boot, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    if boot != _BOOT_ID.read_text().strip() or not pid.isdecimal():
        return False
    return started == _started(int(pid))


def _started(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # Field 22 of proc(5); the name, field 2, was cut off with its parenthesis.
    return fields[19]
