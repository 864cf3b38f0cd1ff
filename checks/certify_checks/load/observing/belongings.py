"""What processes of this machine hold, read from /proc (proc(5)); of containers elsewhere, what their engine tells.

Memory is what a process has of its own: anonymous pages and what of them was swapped out. Pages of files can be dropped at any
time and are no leak. Whether a page is shared with a parent that was forked does not matter: it is counted either way, so that a
copy on write changes nothing. Neither private nor proportional memory is like that: both grow with each copy.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from certify_checks.load.observing.neighbours import Snapshot

PAGE = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024
_DEAD = frozenset("ZX")
_STATE = re.compile(r"^State:\s+(\w)", re.MULTILINE)
_SEVERAL = re.compile(r"^(\w+):\s+(\d+)", re.MULTILINE)
# From here on the counts in `status` are kept per processor and may be off by megabytes; a sum over all mappings is not.
_ROUGH_SINCE = (6, 2)
_NOT_OURS = "this user may not look into its processes"
_UNLIMITED = 1 << 31


class Look(NamedTuple):
    """One look at a part: who it was, how much it held, and why some of it is not known."""

    identity: str
    held: dict[str, int]
    unknown: dict[str, str]


def look(pid: int, proc: Path = Path("/proc"), table: Snapshot | None = None) -> Look | None:
    """At a process and all that descend from it in `table`; None when there is none."""
    try:
        told = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        state, started = told[0], told[19]
    except (OSError, IndexError):
        return None
    if state in _DEAD:
        return None
    sums = dict.fromkeys(("memory", "handles", "connections", "threads"), 0)
    unknown: dict[str, str] = {}
    for one in (pid, *(_below(pid, table) if table else ())):
        for kind, amount in _of_process(proc / str(one)).items():
            if amount is None:
                unknown[kind] = _NOT_OURS
            sums[kind] += amount or 0
    return Look(f"{pid}:{started}", {kind: amount for kind, amount in sums.items() if kind not in unknown}, unknown)


def ceilings(pid: int, proc: Path = Path("/proc")) -> dict[str, int]:
    """How many file handles, connections (which are handles too) and threads a process may have; not known: not there."""
    place, found = proc / str(pid), {}
    limits = _text(place / "limits")
    if files := _limit(limits, "Max open files"):
        found = {"handles": files, "connections": files}
    bounds = (
        _limit(limits, "Max processes"),
        _number(proc / "sys/kernel/pid_max"),
        _number(proc / "sys/kernel/threads-max"),
    )
    if known := [bound for bound in bounds if bound]:
        found["threads"] = min(known)
    return found


def _of_process(place: Path) -> dict[str, int | None]:
    status = _text(place / "status")
    # Nobody but root may look into what has ended and waits for its parent to hear of it. It holds nothing.
    if (state := _STATE.search(status)) and state[1] in _DEAD:
        return {}
    told = dict(_SEVERAL.findall(status))
    return {"memory": _memory(place, told), "threads": int(told.get("Threads", 0)), **_handles(place)}


def _memory(place: Path, told: Mapping[str, str]) -> int | None:
    """Bytes; 0 when the process has just gone."""
    if _rough():
        try:
            told = dict(_SEVERAL.findall((place / "smaps_rollup").read_text()))
        except PermissionError:
            return None
        except OSError:
            return 0
        return _KIB * (int(told.get("Anonymous", 0)) + int(told.get("Swap", 0)))
    return _KIB * (int(told.get("RssAnon", 0)) + int(told.get("VmSwap", 0)))


def _handles(place: Path) -> dict[str, int | None]:
    handles = connections = 0
    try:
        with os.scandir(place / "fd") as entries:
            for entry in entries:
                handles += 1
                connections += _leads_to(entry.path).startswith("socket:")
    except PermissionError:
        return {"handles": None, "connections": None}
    except OSError:  # it ended meanwhile
        pass
    return {"handles": handles, "connections": connections}


def _leads_to(handle: str) -> str:
    try:
        return os.readlink(handle)  # noqa: PTH115 - thousands a second: a Path for each would cost twice as much
    except OSError:
        return ""


def _rough() -> bool:
    numbers = re.findall(r"\d+", os.uname().release)[:2]
    return tuple(int(number) for number in numbers) >= _ROUGH_SINCE


def _below(root: int, table: Snapshot) -> Iterable[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in table.parents.items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found[1:]


def _limit(limits: str, name: str) -> int:
    """The soft limit; 0 when there is none."""
    found = re.search(rf"^{name}\s+(\d+)", limits, re.MULTILINE)
    return int(found[1]) if found and int(found[1]) < _UNLIMITED else 0


def _number(place: Path) -> int:
    text = _text(place).strip()
    return int(text) if text.isdigit() else 0


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
