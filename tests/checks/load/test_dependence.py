"""Against sequences whose dependence is known by construction."""

import math
import random

import pytest

from certify_checks.load.statistics.dependence import BLOCKS, FEWEST, design_effect, drifts, last_third


def correlated(chance: random.Random, count: int, rho: float) -> list[float]:
    """A stationary first-order autoregression: neighbours correlate by `rho`, requests further apart by its powers."""
    value = chance.gauss(0, 1)
    values = []
    for _ in range(count):
        value = rho * value + math.sqrt(1 - rho * rho) * chance.gauss(0, 1)
        values.append(value)
    return values


def typical(rho: float, count: int = 6000) -> float:
    chance = random.Random(3)  # noqa: S311 - a repeatable simulation
    effects = sorted(design_effect([value > 1.645 for value in correlated(chance, count, rho)]) for _ in range(31))
    return effects[15]


def test_independent_requests_count_as_what_they_are():
    assert 1 <= typical(0) < 1.25


def test_the_more_they_depend_the_less_they_are_worth():
    effects = [typical(rho) for rho in (0, 0.5, 0.9, 0.97)]
    assert effects == sorted(effects)
    # One and twice the sum of the correlations of such hits, which a run of a million gives as 9.0.
    assert effects[2] == pytest.approx(9.0, rel=0.3)


def test_too_few_or_no_hits_tell_nothing():
    assert design_effect([True] * 54 + [False] * 55) == 1
    assert design_effect([True] * 55 + [False] * (FEWEST - 55)) > 5
    assert design_effect([False] * 5000) == 1
    assert not drifts([False] * 5000)
    assert not drifts([])


def test_one_stall_makes_a_hundred_hits_of_one_event():
    hits = [False] * 6000
    hits[3000:3100] = [True] * 100
    assert design_effect(hits) > 50


def test_a_growing_share_is_a_drift_and_a_steady_one_is_none():
    chance = random.Random(4)  # noqa: S311 - a repeatable simulation
    steady = [[value > 1.645 for value in correlated(chance, 3000, 0.5)] for _ in range(200)]
    assert sum(map(drifts, steady)) <= 2
    assert drifts([chance.random() < 0.02 + 0.06 * number / 6000 for number in range(6000)])
    assert not drifts([chance.random() < 0.08 - 0.06 * number / 6000 for number in range(6000)])


def test_the_last_third_is_a_third():
    assert last_third(3 * BLOCKS) == 2 * BLOCKS
    assert last_third(100) == 67
