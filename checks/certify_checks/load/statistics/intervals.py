"""Exact intervals without a distribution's name: order statistics for percentiles, binomial bounds for shares.

Both take samples for independent, unless they are told the `effect`: the factor by which dependence inflates the variance
(`certify_checks.load.statistics.dependence`). So many samples count as so many fewer (Kish 1965, Survey Sampling, section 8.2).
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

MILLION = 1_000_000
# 0.5 % at each end. At most one verdict in a hundred may be wrong, also where dependence is only estimated.
CONFIDENCE = 0.99
Falling = Callable[[float], float]
_WINDOW = 12  # standard deviations beyond which a binomial term is below 1e-30 and does not count


def rank(share_ppm: int, count: int) -> int:
    """Nearest rank, from 1, of a percentile given in parts per million: the smallest rank that covers the share."""
    return max(1, -(-share_ppm * count // MILLION))


def percentile(ordered: Sequence[int], share_ppm: int) -> int:
    """The nearest-rank percentile of values in ascending order, which must not be empty."""
    return ordered[rank(share_ppm, len(ordered)) - 1]


def percentile_ranks(
    share_ppm: int, count: int, confidence: float = 0.95, effect: float = 1.0
) -> tuple[int, int | None]:
    """Ranks, from 1, of the order statistics that enclose the true percentile with at least `confidence`.

    The number of samples below the true percentile is binomial, whatever the distribution (David and Nagaraja, Order
    Statistics, section 7.1). Without an upper end: too few samples for one, because even the largest may lie below.
    """
    tail = (1 - confidence) / 2
    low = high = 0
    below = 0.0
    worth = _worth(count, effect)
    for successes, probability in _binomial(worth, share_ppm / MILLION):
        if below + probability <= tail:
            low = successes + 1
        below += probability
        if below >= 1 - tail:
            high = successes + 1
            break
    lowest = 1 + max(0, low - 1) * count // worth
    return lowest, (-(-high * count // worth) if 0 < high <= worth else None)


def upper_share(events: int, count: int, confidence: float = 0.95, effect: float = 1.0) -> int:
    """One-sided exact upper bound of a share in ppm, rounded up (Clopper and Pearson 1934)."""
    events, count = math.ceil(events / effect), _worth(count, effect)
    if events >= count:
        return MILLION
    return math.ceil(_solve(lambda share: _at_most(events, count, share) - (1 - confidence)) * MILLION)


def lower_share(events: int, count: int, confidence: float = 0.95, effect: float = 1.0) -> int:
    """One-sided exact lower bound of a share in ppm, rounded down (Clopper and Pearson 1934)."""
    events, count = int(events / effect), _worth(count, effect)
    if events <= 0 or count <= 0:
        return 0
    return math.floor(_solve(lambda share: _at_most(events - 1, count, share) - confidence) * MILLION)


def _worth(count: int, effect: float) -> int:
    """How many independent samples so many dependent ones are worth."""
    return max(1, int(count / effect)) if count else 0


def _solve(falling: Falling) -> float:
    """The root of a falling function on [0, 1], by bisection down to 2 ** -50."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high


def _at_most(events: int, count: int, share: float) -> float:
    """P(X <= events) for X ~ Binomial(count, share)."""
    terms = itertools.takewhile(lambda term: term[0] <= events, _binomial(count, share))
    return math.fsum(probability for _, probability in terms)


def _binomial(count: int, share: float) -> Iterator[tuple[int, float]]:
    """Terms (k, P(X = k)) in ascending order, wherever they count."""
    if share <= 0 or share >= 1:
        yield (0 if share <= 0 else count), 1.0
        return
    spread = _WINDOW * math.sqrt(count * share * (1 - share)) + _WINDOW**2
    first, last = max(0, int(count * share - spread)), min(count, int(count * share + spread) + 1)
    logarithm = _log_term(first, count, share)
    odds = math.log(share) - math.log1p(-share)
    for successes in range(first, last + 1):
        yield successes, math.exp(logarithm)
        if successes < count:
            logarithm += odds + math.log((count - successes) / (successes + 1))


def _log_term(successes: int, count: int, share: float) -> float:
    choose = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return choose + successes * math.log(share) + (count - successes) * math.log1p(-share)
