"""What processes have used, read from this machine's kernel: living ones, dead ones, and none."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from certify.drivers.counting import Counters
from certify.drivers.processes import UNKNOWN, Process, parse_stat, read_usage, tree

# A parent whose child works, uses memory and is waited for; then it says so, and waits for its end.
WORKING = """
import os, sys, time
def work():
    block = bytearray(b"x" * (64 << 20))
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass
    return block
if sys.argv[1] == "dead":
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)
else:
    if os.fork() == 0:
        block = work()
        os.write(1, b"done\\n")
        time.sleep(600)
    time.sleep(600)
os.write(1, b"done\\n")
sys.stdin.read()
"""
Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    begun: list[subprocess.Popen[bytes]] = []

    def one(how: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKING, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"done\n"
        return process.pid

    yield one
    for process in begun:
        os.killpg(process.pid, 9)
        process.communicate()


def counted(pid: int) -> Counters:
    found = read_usage({"web": pid}).parts["web"]
    assert found
    return found


def test_a_child_that_was_waited_for_is_counted(start: Start):
    pid = start("dead")
    assert (counted(pid).cpu_us or 0) >= 390_000
    assert (counted(pid).memory or 0) < 64 << 20


def test_a_living_child_is_counted_with_its_memory(start: Start):
    found = counted(start("alive"))
    assert (found.cpu_us or 0) >= 390_000
    assert (found.memory or 0) > 64 << 20
    assert found.block_read is not None
    assert (found.network_in, found.network_out) == (None, None)


def test_what_does_not_run_has_no_counters():
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    reading = read_usage({"gone": ended.pid, "none": 0})
    assert reading.parts == {"gone": None, "none": None}
    assert reading.unknown == UNKNOWN
    assert read_usage({}).parts == {}


def test_a_zombie_has_no_counters():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    deadline = time.monotonic() + 60
    while read_usage({"it": process.pid}).parts["it"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.wait()


def test_names_of_commands_may_hold_anything():
    head, tail = "12 (a) S 9 (b)", " R 7 " + " ".join(map(str, range(5, 24)))
    assert parse_stat(head + tail) == Process(12, 7, 14 + 15 + 16 + 17, 22)
    assert parse_stat("12 (a) Z 7 " + "0 " * 30) is None


def test_trees():
    table = {pid: Process(pid, parent, 1, 1) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 1), (9, 8))}
    assert sorted(one.pid for one in tree(1, table)) == [1, 2, 3, 4]
    assert [one.pid for one in tree(3, table)] == [3]
    assert tree(7, table) == []
