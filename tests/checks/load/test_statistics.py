"""Against values of published tables, and against what follows from the definitions."""

import math
import random

import pytest

from certify_checks.load.statistics.intervals import lower_share, percentile, percentile_ranks, rank, upper_share


@pytest.mark.parametrize(
    ("share", "count", "expected"), [(950_000, 100, 95), (950_000, 101, 96), (500_000, 1, 1), (1, 5, 1)]
)
def test_nearest_ranks(share: int, count: int, expected: int):
    assert rank(share, count) == expected


def test_the_percentile_is_an_observed_value():
    assert percentile(range(1, 101), 950_000) == 95


# Conover, Practical Nonparametric Statistics, table of binomial intervals for the median; 72 follows from 0.95 ** n <= 0.025
@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [
        (500_000, 10, (2, 9)),
        (500_000, 20, (6, 15)),
        (500_000, 100, (40, 61)),
        (950_000, 71, (63, None)),
        (950_000, 72, (64, 72)),
    ],
)
def test_ranks_of_the_interval(share: int, count: int, expected: tuple[int, int | None]):
    assert percentile_ranks(share, count) == expected


# Clopper and Pearson's interval at 95 % on both sides, as statistical packages give it
@pytest.mark.parametrize(
    ("events", "count", "low", "high"),
    [(0, 20, 0, 168_434), (1, 10, 2_528, 445_017), (5, 50, 33_275, 218_136), (10, 10, 691_502, 1_000_000)],
)
def test_two_sided_bounds_of_a_share(events: int, count: int, low: int, high: int):
    assert abs(lower_share(events, count, 0.975) - low) <= 1
    assert abs(upper_share(events, count, 0.975) - high) <= 1


def test_without_an_event_the_upper_bound_is_the_closed_form():
    for count in (1, 60, 2_998, 100_000):
        closed = (1 - 0.05 ** (1 / count)) * 1_000_000
        assert 0 <= upper_share(0, count) - closed <= 1.01


def test_three_thousand_requests_without_an_error_show_less_than_a_thousandth():
    assert upper_share(0, 2_997) == 1_000
    assert upper_share(0, 2_998) == 999


def test_large_numbers_keep_their_precision():
    # the binomial is close to normal here: share +- 1.645 standard deviations, within a few ppm
    for bound, sign in ((upper_share, 1), (lower_share, -1)):
        share = bound(20_000, 200_000) / 1_000_000
        assert share == pytest.approx(0.1 + sign * 1.645 * math.sqrt(0.09 / 200_000), abs=2e-5)
    assert percentile_ranks(950_000, 200_000) == (189_809, 190_192)


def test_the_interval_covers_the_true_percentile_as_often_as_it_says():
    chance = random.Random(7)  # noqa: S311 - a repeatable simulation
    ranks = percentile_ranks(950_000, 400)
    assert ranks[1]
    true = math.exp(1.6448536)
    draws = 1500
    hits = 0
    for _ in range(draws):
        ordered = sorted(chance.lognormvariate(0, 1) for _ in range(400))
        hits += ordered[ranks[0] - 1] <= true <= ordered[ranks[1] - 1]
    assert lower_share(draws - hits, draws, 0.999) <= 50_000
