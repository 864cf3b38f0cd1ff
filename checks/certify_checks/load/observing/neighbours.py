"""How much of this machine other programs used meanwhile: they slow what is measured, and are not the stack's fault.

Only told where the stack runs on this machine as processes below a common ancestor of this one, as the embedded driver
starts it; elsewhere it is unknown. Linux only, from /proc (proc(5)).
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

UNKNOWN = -1
_MILLION = 1_000_000


class Snapshot(msgspec.Struct, frozen=True):
    """Clock ticks so far: of the whole machine, of those the busy ones, and per process; and who is whose parent.

    Those of a process are its own and those of its children that have ended, such as the workers of a database's query.
    """

    total: int = 0
    busy: int = 0
    ticks: dict[int, int] = {}
    parents: dict[int, int] = {}


def snapshot(proc: Path = Path("/proc")) -> Snapshot:
    """Read the counters now; empty where there is no such file system."""
    try:
        fields = [int(field) for field in (proc / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return Snapshot()
    user, nice, system, _idle, _waiting, _irq, _softirq, steal = fields
    processes = list(_processes(proc))
    ticks = {pid: used for pid, _, used in processes}
    return Snapshot(sum(fields), user + nice + system + steal, ticks, {pid: parent for pid, parent, _ in processes})


def _processes(proc: Path) -> Iterator[tuple[int, int, int]]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            yield int(entry.name), int(fields[1]), sum(int(field) for field in fields[11:15])


def foreign_ppm(before: Snapshot, after: Snapshot, stack: Collection[int], own: int | None = None) -> int:
    """Share of all cores that neither the stack nor this run used, in ppm; `UNKNOWN` when they cannot be told apart."""
    known = [pid for pid in stack if pid in after.parents]
    root = common_ancestor(after.parents, [own or os.getpid(), *known]) if known else 0
    if root <= 1 or after.total <= before.total:
        return UNKNOWN
    # Of both moments whole trees: what a child had used before it ended is among its parent's ticks after.
    ours = _below(root, after) - _below(root, before)
    foreign = after.busy - before.busy - ours
    return max(0, foreign * _MILLION // (after.total - before.total))


def _below(root: int, seen: Snapshot) -> int:
    return sum(used for pid, used in seen.ticks.items() if root in _line(seen.parents, pid))


def common_ancestor(parents: dict[int, int], pids: list[int]) -> int:
    """The nearest process that all of `pids` descend from or are; 0 when there is none."""
    lines = [list(_line(parents, pid)) for pid in pids]
    return next((pid for pid in lines[0] if all(pid in line for line in lines)), 0)


def _line(parents: dict[int, int], pid: int) -> Iterator[int]:
    seen: set[int] = set()
    while pid and pid not in seen:
        seen.add(pid)
        yield pid
        pid = parents.get(pid, 0)
