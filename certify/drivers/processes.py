"""What processes of this machine have used, with all that they started: proc(5).

A process that was waited for has left its processor time and its reads and writes with its parent, so that the sum over those
that live holds the dead ones too. Memory is the proportional set size: services that were forked from one parent share
most of their pages, and each is given its part of them.
"""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from certify.drivers.counting import Counters, Reading

_PROC: Final = Path("/proc")
_US_PER_TICK: Final = 1_000_000 // os.sysconf("SC_CLK_TCK")
_KIB: Final = 1024
UNKNOWN: Final = {
    "network": "all parts share this machine's network, and its kernel counts traffic for no single process"
}


class Process(NamedTuple):
    """One process: its parent, its processor time and that of the children it has waited for, and its start, in ticks."""

    pid: int
    parent: int
    ticks: int
    started: int


def read_usage(roots: Mapping[str, int]) -> Reading:
    """What the trees of processes below `roots` (name -> pid; 0: none) have used."""
    began = time.thread_time_ns()
    table = {process.pid: process for process in _all()} if any(roots.values()) else {}
    parts = {name: _counted(pid, table) for name, pid in roots.items()}
    return Reading(parts, (time.thread_time_ns() - began) // 1000, UNKNOWN)


def read_blocks(roots: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Bytes that the trees of processes below `roots` have read from block devices and written there, where that can be seen."""
    table = {process.pid: process for process in _all()} if roots else {}
    trees = {name: [_moved(process.pid) for process in tree(pid, table)] for name, pid in roots.items()}
    sums = {name: _both(moved) for name, moved in trees.items() if moved}
    return {name: both for name, both in sums.items() if both}


def tree(root: int, table: Mapping[int, Process]) -> list[Process]:
    """A process and all that descend from it."""
    children: dict[int, list[Process]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process)
    found = [table[root]] if root in table else []
    for process in found:
        found += children.get(process.pid, ())
    return found


def parse_stat(text: str) -> Process | None:
    """A line of `/proc/PID/stat`; None when the process has ended and only waits to be waited for."""
    # The command's name stands in brackets and may itself hold spaces and brackets.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if fields[0] in {"Z", "X"}:
        return None
    used = sum(int(field) for field in fields[11:15])
    return Process(int(head.partition(" ")[0]), int(fields[1]), used, int(fields[19]))


def _all() -> Iterable[Process]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and (text := _text(int(entry.name), "stat")) and (found := parse_stat(text)):
            yield found


def _counted(root: int, table: Mapping[int, Process]) -> Counters | None:
    found = tree(root, table)
    if not found:
        return None
    moved = _both([_moved(process.pid) for process in found])
    sizes = [_size(process.pid) for process in found]
    return Counters(
        identity=f"{root}:{found[0].started}",
        cpu_us=sum(process.ticks for process in found) * _US_PER_TICK,
        memory=None if None in sizes else sum(size or 0 for size in sizes),
        block_read=moved[0] if moved else None,
        block_written=moved[1] if moved else None,
    )


def _both(moved: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The sums; None as soon as one is not known."""
    known = [one for one in moved if one is not None]
    return (sum(one[0] for one in known), sum(one[1] for one in known)) if len(known) == len(moved) else None


def _moved(pid: int) -> tuple[int, int] | None:
    """Bytes read from and written to block devices; None when that is not for us to see."""
    text = _text(pid, "io")
    if text is None:
        return None
    told = dict(line.split(": ") for line in text.splitlines())
    return (int(told["read_bytes"]), int(told["write_bytes"])) if told else (0, 0)


def _size(pid: int) -> int | None:
    """Bytes; None when that is not for us to see."""
    text = _text(pid, "smaps_rollup")
    if text is None:
        return None
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0")
    return int(line.split()[1]) * _KIB


def _text(pid: int, name: str) -> str | None:
    """A file of a process: empty when the process is gone, None when this user may not read it."""
    try:
        return (_PROC / str(pid) / name).read_text(encoding="utf-8", errors="replace")
    except PermissionError:
        return None
    except OSError:
        return ""
