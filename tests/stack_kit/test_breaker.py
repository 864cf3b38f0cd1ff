"""The circuit breaker: closed, open, half-open, and back, by a clock that the test turns."""

import pytest

from certify_stack.kit.breaker import Breaker, BreakerState

CLOSED, OPEN, HALF_OPEN = BreakerState


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(threshold=3, rest=2.0)
    assert [breaker.failed(at) for _ in range(3)] == [False, False, True]
    return breaker


def test_it_stays_closed_until_as_many_failures_in_a_row_as_the_threshold():
    breaker = Breaker(threshold=3)
    for _ in range(5):
        breaker.failed(0)
        breaker.failed(0)
        assert breaker.allows(0)
        assert breaker.succeeded() is False
    assert breaker.state(0) is CLOSED


def test_open_it_allows_nothing_until_it_has_rested():
    breaker = opened()
    assert [breaker.allows(now) for now in (0.0, 1.0, 1.999)] == [False] * 3
    assert (breaker.state(1.999), breaker.state(2.0)) == (OPEN, HALF_OPEN)


def test_half_open_it_lets_one_call_try():
    breaker = opened()
    assert breaker.allows(2.0)
    assert [breaker.allows(now) for now in (2.0, 3.0)] == [False] * 2


def test_a_try_that_succeeds_closes_it():
    breaker = opened()
    assert breaker.allows(2.0)
    assert breaker.succeeded() is True
    assert breaker.state(2.0) is CLOSED
    assert breaker.failed(2.0) is False


def test_a_try_that_fails_keeps_it_open_for_another_rest():
    breaker = opened()
    assert breaker.allows(2.0)
    assert breaker.failed(2.5) is False, "it was open already"
    assert [breaker.state(now) for now in (4.4, 4.5)] == [OPEN, HALF_OPEN]


def test_a_try_that_is_never_reported_does_not_keep_it_open_for_ever():
    breaker = opened()
    assert breaker.allows(2.0)
    assert breaker.allows(4.0)


@pytest.mark.parametrize("late", [0.5, 1.5])
def test_calls_that_began_before_it_opened_may_end_after(late: float):
    breaker = opened()
    assert breaker.failed(late) is False
    assert breaker.state(late + 1.9) is OPEN
    assert breaker.succeeded() is True
