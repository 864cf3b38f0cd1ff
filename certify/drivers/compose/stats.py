"""What the containers of a run have used, as the engine counts it."""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

from certify.drivers.compose.containers import ENGINE_GONE
from certify.drivers.counting import Counters, Reading
from certify.drivers.processes import read_blocks
from certify.outside import is_of

# An engine may answer only once a second for each: one after the other, two dozen would take half a minute.
_AT_ONCE: Final = 8
_NEVER: Final = "0001-"

Ask = Callable[[str], Mapping[str, Any]]


class Stats:
    """Reads the usage of containers; `ask` gives the engine's statistics of a container by its id."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="compose-stats")

    def read(self, details: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> Reading:
        """What each service's container has used so far; `details` are what the engine knows of them, by service."""
        running = {name: one for name, one in details.items() if one["State"].get("Running")}
        futures = {}
        with contextlib.suppress(RuntimeError):
            futures = {name: self._pool.submit(self._one, one) for name, one in running.items()}
        told = {name: future.result() for name, future in futures.items()}
        began = time.thread_time_ns()
        found = _with_blocks({name: one for name, (one, _) in told.items() if one}, running)
        cost = sum(cost for _, cost in told.values()) + (time.thread_time_ns() - began) // 1000
        why = "the engine gave no statistics of what runs" if running and not found else ""
        return Reading({name: found.get(name) for name in names}, cost, why=why)

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, details: Mapping[str, Any]) -> tuple[Counters | None, int]:
        began = time.thread_time_ns()
        identity = f"{details['Id']}:{details['State'].get('StartedAt')}"
        found = None
        with contextlib.suppress(*ENGINE_GONE):
            found = counters(identity, self._ask(str(details["Id"])))
        return found, (time.thread_time_ns() - began) // 1000


def _with_blocks(found: dict[str, Counters], running: Mapping[str, Mapping[str, Any]]) -> dict[str, Counters]:
    """With reads and writes as this machine's kernel counts them for processes, where it does not for control groups."""
    blank = [name for name, one in found.items() if one.block_read is None]
    blocks = read_blocks({name: pid for name in blank if (pid := _own(running[name]))})
    return found | {
        name: msgspec.structs.replace(found[name], block_read=read, block_written=written)
        for name, (read, written) in blocks.items()
    }


def _own(details: Mapping[str, Any]) -> int:
    """The process id of a container's first process; 0 when the engine is on another machine."""
    pid = int(details["State"].get("Pid") or 0)
    with contextlib.suppress(OSError):
        return pid if pid and is_of(pid, str(details["Id"])) else 0
    return 0


def counters(identity: str, stats: Mapping[str, Any]) -> Counters | None:
    """The engine's statistics as counters; None when it says that there was nothing to be read."""
    cpu = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    if str(stats.get("read") or _NEVER).startswith(_NEVER) or not cpu:
        return None
    networks: Mapping[str, Any] | None = stats.get("networks")
    return Counters(
        identity=identity,
        cpu_us=int(cpu) // 1000,
        memory=_memory(stats.get("memory_stats") or {}),
        network_in=_sum(networks, "rx_bytes"),
        network_out=_sum(networks, "tx_bytes"),
        block_read=_blocks(stats, "read"),
        block_written=_blocks(stats, "write"),
    )


def _memory(told: Mapping[str, Any]) -> int | None:
    """What it needs: without pages of files that can be dropped, as `docker stats` counts. The names differ by version of cgroups."""
    if "usage" not in told:
        return None
    details = told.get("stats") or {}
    dropped = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(0, int(told["usage"]) - int(dropped))


def _sum(networks: Mapping[str, Any] | None, key: str) -> int | None:
    """None for a container without a network of its own: the machine's traffic is not its."""
    return sum(int(one.get(key) or 0) for one in networks.values()) if networks else None


def _blocks(stats: Mapping[str, Any], wanted: str) -> int | None:
    """Bytes; None where the kernel keeps no count."""
    entries = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    if not entries:
        return None
    return sum(int(entry.get("value") or 0) for entry in entries if str(entry.get("op") or "").lower() == wanted)
