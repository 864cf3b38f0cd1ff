"""From readings to what each part used: over restarts, with gaps, and never less or nought where it is not known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.drivers.counting import Counters, Reading
from certify.engine.sampling import LEAST_SECONDS, pause_after
from certify.engine.tally import SPANS, Tally, line
from certify.model.resources import Resources, Usage

SECOND = 1_000_000


def tallied(*looks: tuple[int, dict[str, Counters | None]], **more: Any) -> Resources:
    tally = Tally()
    for at, parts in looks:
        tally.add(at * SECOND, Reading(parts, cost_us=10, **more))
    return tally.resources()


def part(resources: Resources, name: str = "web") -> Usage:
    return next(one for one in resources.parts if one.name == name)


def test_counters_count_from_the_start_and_memory_is_the_peak():
    used = tallied(
        (10, {"web": Counters("1", 500, 70, 1, 2, 3, 4)}),
        (12, {"web": Counters("1", 900, 90, 5, 6, 7, 8)}),
        (14, {"web": Counters("1", 1_000, 80, 9, 10, 11, 12)}),
    )
    assert part(used) == Usage("web", 3, 1_000, 90, 9, 10, 11, 12, (400, 100))
    assert (used.samples, used.every_us, used.cost_us, used.span_us) == (3, 2 * SECOND, 30, 2 * SECOND)
    assert (used.missing, used.unknown) == ("", {})


def test_another_process_counts_on():
    used = tallied(
        (0, {"web": Counters("1", 500, 70)}), (2, {"web": None}), (4, {"web": Counters("2", 100, 60)}),
        (6, {"web": Counters("2", 300, 65)}),
    )  # fmt: skip
    web = part(used)
    assert (web.cpu_us, web.memory_peak, web.samples) == (800, 70, 3)
    assert sum(web.cpu_line) == 300


def test_a_counter_that_goes_back_is_late_not_less():
    used = tallied((0, {"web": Counters("1", 500)}), (2, {"web": Counters("1", 400)}), (4, {"web": Counters("1", 600)}))
    assert part(used).cpu_us == 600
    assert min(part(used).cpu_line) >= 0


def test_what_is_not_known_stays_unknown():
    used = tallied((0, {"web": Counters("1", 500)}), (2, {"web": Counters("1", 700)}), unknown={"network": "shared"})
    web = part(used)
    assert (web.memory_peak, web.network_in, web.block_written) == (None, None, None)
    assert used.unknown == {
        "network": "shared",
        "memory": "this user may not read it",
        "block": "the kernel told of none for any part",
    }
    # Known of one life and not of the other, the sum would be too small.
    used = tallied((0, {"web": Counters("1", 500, network_in=9)}), (2, {"web": Counters("2", 100)}))
    assert part(used).network_in is None


def test_what_was_never_seen_is_named_and_empty():
    used = tallied((0, {"web": Counters("1", 5), "job": None}), (2, {"web": Counters("1", 6), "job": None}))
    assert part(used, "job") == Usage("job")


def test_nothing_at_all_says_why():
    assert tallied() == Resources(missing="the stack was not up when it was looked at")
    assert tallied((0, {}), why="only its addresses").missing == "only its addresses"
    assert tallied((0, {"web": None})).missing == "the stack was not up when it was looked at"
    # What could not be read once does not spoil what was read before.
    tally = Tally()
    tally.add(0, Reading({"web": Counters("1", 5)}))
    tally.add(1, Reading(why="it could not be read"))
    assert (tally.resources().missing, tally.resources().samples) == ("", 1)


def test_hours_are_thinned_out_and_nothing_is_lost():
    used = tallied(*((at, {"web": Counters("1", at * 7)}) for at in range(9_000)))
    assert len(part(used).cpu_line) == SPANS
    assert sum(part(used).cpu_line) == 8_999 * 7 == part(used).cpu_us


@given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**7)), min_size=2, max_size=60), st.integers(1, 50))
def test_a_line_loses_nothing_and_never_falls(steps: list[tuple[int, int]], count: int):
    points, at, value = [], 0, 0
    for wait, more in steps:
        at, value = at + wait, value + more
        points.append((at, value))
    span = -(-(points[-1][0] - points[0][0]) // count)
    found = line(points, [points[0][0] + span * number for number in range(count + 1)])
    assert sum(found) == points[-1][1] - points[0][1]
    assert min(found) >= 0
    assert line(points[:1], [0, 1]) == ()


def test_looks_cost_at_most_a_hundredth_of_a_core():
    assert pause_after(0) == LEAST_SECONDS >= 1
    for cost in (1_000, 65_000, 2_000_000):
        assert cost / 1e6 / (cost / 1e6 + pause_after(cost)) <= 0.01 + 1e-9


@pytest.mark.parametrize("odd", [2**64 - 1, -1])
def test_a_number_that_nothing_can_have_used_is_not_known(odd: int):
    used = tallied((0, {"web": Counters("1", 500, odd, odd)}), (2, {"web": Counters("1", odd, 90, odd)}))
    web = part(used)
    assert (web.cpu_us, web.memory_peak, web.network_in) == (500, 90, None)
