"""Everything that belongs to one run on this machine, found from outside: processes, sockets, shared memory, folders."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MARK = "CERTIFY_KILLS_MARK"
_SHM = Path("/dev/shm")  # noqa: S108 - where the reference stack keeps its data; only looked at
_LISTENS = "0A"


@dataclass(frozen=True)
class Process:
    """A pid with its start time, which tells it from a later process of that pid."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        return started(self.pid) == self.started

    @property
    def command(self) -> str:
        """Its command line, empty when it is gone."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""

    def kill(self) -> None:
        """SIGKILL to this very process."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def started(pid: int) -> int | None:
    """Start time in clock ticks since the machine's boot; None when there is no such process, or only a zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in {"Z", "X"} else None


@dataclass
class Belongings:
    """Everything of one run that was seen so far."""

    mark: str
    since: float = field(default_factory=time.time)
    processes: set[Process] = field(default_factory=set)
    sockets: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Note what runs now: processes with the mark and their descendants, and what these listen on."""
        parents: dict[int, int] = {}
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
            fields = _stat(pid)
            if fields and fields[0] not in {"Z", "X"}:
                parents[pid] = int(fields[1])
                if self._marked(pid):
                    self.processes.add(Process(pid, int(fields[19])))
        ours = {process.pid for process in self.processes if process.alive}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
            self.processes |= {Process(pid, began) for pid in more if (began := started(pid)) is not None}
        listening = _listening()
        self.sockets |= {inode: listening[inode] for pid in ours for inode in _sockets(pid) if inode in listening}

    def _marked(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return f"{MARK}={self.mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return False

    def left(self, folder: Path) -> list[str]:
        """What of it is still there; `folder` is the one that the run was started in."""
        self.look()
        pids = {process.pid for process in self.processes}
        here = _listening()
        return [
            *(f"process {one.pid} {one.command[:120]}" for one in self.processes if one.alive),
            *(f"socket on port {port}" for inode, port in self.sockets.items() if inode in here),
            *(f"shared memory segment {segment}" for segment in _segments(pids)),
            *(f"folder {path}" for path in self._folders(folder, pids)),
        ]

    def _folders(self, folder: Path, pids: set[int]) -> Iterator[Path]:
        yield from (folder / "tmp").iterdir()
        yield from (path for path in folder.iterdir() if path.name.startswith(".certification"))
        yield from (path for pid in pids for path in Path(tempfile.gettempdir()).glob(f"hsperfdata_*/{pid}"))
        yield from (path for path in _SHM.glob("certify-*") if self._owns(path, pids))

    def _owns(self, folder: Path, pids: set[int]) -> bool:
        """By the note in it; without one it was made in this run's time, and nobody else is to be found."""
        try:
            pid, began = (int(word) for word in (folder / "owner").read_text().split())
            return Process(pid, began) in self.processes
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                return bool(pids) and folder.stat().st_ctime >= self.since
            return False


def _listening() -> dict[str, int]:
    """Ports by inode of the sockets that listen on TCP."""
    found = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS:
                    found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def _sockets(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]


def _segments(pids: set[int]) -> list[str]:
    """System V shared memory that one of these processes made."""
    with contextlib.suppress(OSError):
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
        return [row[1] for row in rows if int(row[4]) in pids]
    return []
