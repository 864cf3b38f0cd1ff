"""Growth a second and its interval: how often the true slope lies beyond an end, and what can be seen of it."""

import random
from collections.abc import Callable, Iterator

import pytest

from certify_checks.load.statistics.trend import FEWEST, Trend, student, trend

LOOKS = 60
TAIL = 0.01
DRAWS = 400
Series = Callable[[random.Random], Iterator[float]]


def steady(draw: random.Random) -> Iterator[float]:
    """Goes up and down around its line, each look by itself."""
    while True:
        yield draw.gauss(0, 10)


def bound(draw: random.Random) -> Iterator[float]:
    """Goes up and down around its line, and stays there for a while."""
    value = 0.0
    while True:
        value = 0.7 * value + draw.gauss(0, 10)
        yield value


def saw(draw: random.Random) -> Iterator[float]:
    """Fills, and is collected now and then."""
    value = 0.0
    while True:
        value = 0.0 if draw.random() < 0.2 else value + draw.random() * 10
        yield value


def steps(draw: random.Random) -> Iterator[float]:
    """Keeps what it took, now and then a little more or less."""
    value = 0.0
    while True:
        value += draw.gauss(0, 10) if draw.random() < 0.4 else 0
        yield value


def drawn(series: Series, seed: int, slope: float) -> Trend:
    values = series(random.Random(seed))  # noqa: S311 - the same each time
    found = trend([(at * 1_000_000, round(10_000 + next(values) + slope * at)) for at in range(LOOKS)], TAIL)
    assert found
    return found


@pytest.mark.parametrize("series", [steady, bound, saw, steps])
@pytest.mark.parametrize("slope", [0.0, 3.0])
def test_the_true_slope_is_rarely_beyond_an_end(series: Series, slope: float):
    trends = [drawn(series, seed, slope) for seed in range(DRAWS)]
    # 1 % at each end is asked for; five times as many are allowed, since dependence is itself only estimated.
    assert sum(one.low > slope for one in trends) <= 5 * TAIL * DRAWS
    assert sum(one.high < slope for one in trends) <= 5 * TAIL * DRAWS


@pytest.mark.parametrize("series", [steady, bound, saw, steps])
def test_a_steep_slope_is_seen(series: Series):
    trends = [drawn(series, seed, 30.0) for seed in range(50)]
    assert all(one.low > 0 for one in trends)


def test_what_stays_as_it_is_has_no_slope():
    assert trend([(at * 1_000_000, 42) for at in range(LOOKS)], TAIL) == Trend(0.0, 0.0, 0.0)


def test_a_straight_line_has_its_own_slope():
    found = trend([(at * 1_000_000, 5 * at) for at in range(LOOKS)], TAIL)
    assert found
    assert found.low == pytest.approx(5)
    assert found.high == pytest.approx(5)


@pytest.mark.parametrize("looks", [0, 1, FEWEST - 1])
def test_too_few_looks_tell_nothing(looks: int):
    assert trend([(at * 1_000_000, at) for at in range(looks)], TAIL) is None


@pytest.mark.parametrize(
    ("tail", "freedom", "known"),
    # Tables of Student's distribution.
    [(0.05, 10, 1.812), (0.01, 20, 2.528), (0.005, 8, 3.355), (0.0005, 22, 3.792)],
)
def test_quantiles_of_student_are_those_of_tables(tail: float, freedom: int, known: float):
    assert student(tail, freedom) == pytest.approx(known, rel=0.01)
