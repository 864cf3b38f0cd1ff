"""What an engine counts of a container, in the forms that engines and kernels have."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker.errors
import pytest

from certify.drivers.compose.stats import Stats, counters
from certify.drivers.counting import Counters

# As engine 20.10 answers on version 1 of cgroups, and later ones on version 2; shortened.
FIRST: dict[str, Any] = {
    "read": "2026-11-21T22:13:01.104879231Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 35_410_041}},
    "memory_stats": {"usage": 1_130_496, "stats": {"total_inactive_file": 77_824, "inactive_file": 1}},
    "networks": {"eth0": {"rx_bytes": 806, "tx_bytes": 5}, "eth1": {"rx_bytes": 4, "tx_bytes": 0}},
    "blkio_stats": {"io_service_bytes_recursive": []},
}
SECOND: dict[str, Any] = FIRST | {
    "memory_stats": {"usage": 1_130_496, "stats": {"inactive_file": 130_496}},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"op": "read", "value": 7},
            {"op": "write", "value": 9},
            {"op": "read", "value": 1},
        ]
    },
}


def test_both_versions_of_cgroups():
    assert counters("x", FIRST) == Counters("x", 35_410, 1_052_672, 810, 5, None, None)
    assert counters("x", SECOND) == Counters("x", 35_410, 1_000_000, 810, 5, 8, 9)
    upper = [{"op": "Read", "value": 3}, {"op": "Write", "value": 4}, {"op": "Total", "value": 7}]
    assert counters("x", FIRST | {"blkio_stats": {"io_service_bytes_recursive": upper}}) == Counters(
        "x", 35_410, 1_052_672, 810, 5, 3, 4
    )


def test_what_is_absent_is_unknown_and_what_has_ended_is_nothing():
    bare = {"read": FIRST["read"], "cpu_stats": FIRST["cpu_stats"]}
    assert counters("x", bare) == Counters("x", 35_410)
    for nothing in (
        {},
        FIRST | {"read": "0001-01-01T00:00:00Z"},
        FIRST | {"cpu_stats": {"cpu_usage": {"total_usage": 0}}},
    ):
        assert counters("x", nothing) is None


def test_only_what_runs_is_asked_and_an_engine_that_is_gone_tells_nothing():
    asked = []

    def ask(container: str) -> dict[str, Any]:
        asked.append(container)
        if container == "lost":
            raise docker.errors.NotFound("gone")
        return FIRST

    def running(name: str, *, runs: bool = True) -> dict[str, Any]:
        return {"Id": name, "State": {"Running": runs, "StartedAt": "then"}}

    stats = Stats(ask)
    details = {"web": running("1"), "job": running("2", runs=False), "lost": running("lost")}
    reading = stats.read(details, ("web", "job", "lost", "unmade"))
    assert sorted(asked) == ["1", "lost"]
    assert reading.parts == {
        "web": Counters("1:then", 35_410, 1_052_672, 810, 5),
        "job": None,
        "lost": None,
        "unmade": None,
    }
    assert not reading.why
    assert "gave no statistics" in stats.read({"lost": running("lost")}, ("lost",)).why
    stats.close()
    assert stats.read(details, ("web",)).parts == {"web": None}


@pytest.fixture
def busy(docker: str) -> Iterator[str]:
    work = "dd if=/dev/zero of=/file bs=1M count=4 conv=fsync; while :; do :; done"
    told = [docker, "run", "--detach", "--rm", "debian:bookworm-slim", "sh", "-c", work]
    made = subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
    yield made
    subprocess.run([docker, "rm", "--force", made], capture_output=True, check=True)


@pytest.mark.docker
def test_a_real_engine_counts(busy: str, connected: Callable[[], Any]):
    client = connected()
    stats = Stats(lambda container: client.api.stats(container, stream=False, one_shot=True))
    state = client.api.inspect_container(busy)["State"]
    details = {"web": {"Id": busy, "State": state}}
    one = other = stats.read(details, ["web"]).parts["web"]
    assert one
    deadline = time.monotonic() + 60
    while (other is None or (other.block_written or 0) < 4 << 20) and time.monotonic() < deadline:
        other = stats.read(details, ["web"]).parts["web"]
    assert other
    assert (other.cpu_us or 0) >= (one.cpu_us or 0) > 0
    assert other.memory
    assert other.network_in is not None
    # Of the control group, or else of the process that wrote and was waited for.
    assert (other.block_written or 0) >= 4 << 20
    stats.close()
