import os
import subprocess
import sys
import time
from pathlib import Path

from certify_checks.load.observing.neighbours import UNKNOWN, Snapshot, common_ancestor, foreign_ppm, snapshot

# 1 init, 10 certify with check 11 and launcher 12, whose services are 13 and 14; 20 a neighbour
PARENTS = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 14: 12, 20: 1}
BEFORE = Snapshot(0, 0, dict.fromkeys(PARENTS, 0), PARENTS)
AFTER = Snapshot(1000, 800, {1: 0, 10: 10, 11: 40, 12: 50, 13: 200, 14: 200, 20: 300}, PARENTS)


def test_the_common_ancestor_of_check_and_services():
    assert common_ancestor(PARENTS, [11, 13, 14]) == 10
    assert common_ancestor(PARENTS, [12, 13]) == 12
    assert common_ancestor(PARENTS, [11, 20]) == 1


def test_what_is_not_ours_is_foreign_also_when_its_process_has_ended():
    assert foreign_ppm(BEFORE, AFTER, [13, 14], own=11) == 300_000


def test_what_a_child_used_that_has_ended_since_is_ours():
    before = Snapshot(0, 0, {10: 5, 11: 0, 12: 5, 13: 0, 15: 90}, PARENTS | {15: 12})
    after = Snapshot(1000, 400, {10: 5, 11: 10, 12: 5 + 290, 13: 100}, PARENTS)
    assert foreign_ppm(before, after, [13], own=11) == 90_000


def test_a_real_child_that_ended_and_was_waited_for_is_ours():
    before = snapshot()
    program = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", program], check=True)
    after = snapshot()
    assert after.ticks[os.getpid()] - before.ticks[os.getpid()] >= 25


def test_a_stack_that_is_not_ours_to_see_tells_nothing():
    assert foreign_ppm(BEFORE, AFTER, [], own=11) == UNKNOWN
    assert foreign_ppm(BEFORE, AFTER, [20], own=11) == UNKNOWN
    assert foreign_ppm(BEFORE, AFTER, [99], own=11) == UNKNOWN
    assert snapshot(Path("/nowhere")) == Snapshot()


def test_a_real_child_that_burns_is_ours():
    before = snapshot()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as burning:
        deadline = time.monotonic() + 60
        while (after := snapshot()).ticks.get(burning.pid, 0) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        burning.kill()
    assert after.ticks[burning.pid] >= 5
    assert after.parents[burning.pid] == os.getpid()
    assert 0 <= foreign_ppm(before, after, [burning.pid]) <= 1_000_000
