"""How far requests of one load depend on each other, and whether they grow slower meanwhile. Pure.

An interval for independent samples is too narrow for requests that queue behind one another: a stall makes a hundred slow ones of
one event. Both questions are answered by blocks of consecutive requests, whose sums need not be independent within
(method of batch means; Law, Simulation Modeling and Analysis, section 9.5.3).
"""

import itertools
import math
from collections.abc import Sequence

BLOCKS = 30
_FEWEST_BLOCKS = 11
_SMALLEST_BLOCK = 10
# Of fewer requests nothing can be told.
FEWEST = _FEWEST_BLOCKS * _SMALLEST_BLOCK
# One-sided 0.05 %: a run is looked at once, and what is called a drift must not be chance.
_DRIFT_DEVIATIONS = 3.29
# The normal distribution's quantile of 99 %.
_NORMAL = 2.326


def design_effect(hits: Sequence[bool]) -> float:
    """By which factor the variance of the number of hits exceeds that of independent ones; at least 1.

    Args:
        hits: whether each request was a hit (slow, failed), in the order in which they began.
    """
    sums = _block_sums(hits)
    expected = _expected(sums, hits)
    if not expected:
        return 1.0
    mean = math.fsum(sums) / len(sums)
    variance = math.fsum((one - mean) ** 2 for one in sums) / (len(sums) - 1)
    effect = variance / expected
    return effect * _price(len(sums) - 1) if effect > 1 else 1.0


def drifts(hits: Sequence[bool]) -> bool:
    """Whether hits are more frequent in the last third than in the first, beyond what neighbouring blocks differ anyway.

    Args:
        hits: as for `design_effect`.
    """
    sums = _block_sums(hits)
    expected = _expected(sums, hits)
    if not expected:
        return False
    # Of differences of neighbours (von Neumann 1941): a drift adds next to nothing to them.
    steps = math.fsum((two - one) ** 2 for one, two in itertools.pairwise(sums)) / (2 * (len(sums) - 1))
    third = len(sums) // 3
    spread = math.sqrt(2 * max(steps, expected) / third)
    first, last = (math.fsum(part) / third for part in (sums[:third], sums[-third:]))
    return last - first > _DRIFT_DEVIATIONS * spread


def last_third(requests: int) -> int:
    """Where the last third of so many requests begins."""
    return requests - requests // 3


def _block_sums(hits: Sequence[bool]) -> list[int]:
    """Hits in each of up to `BLOCKS` blocks of the same number of requests; none when there would be too few."""
    blocks = min(BLOCKS, len(hits) // _SMALLEST_BLOCK)
    if blocks < _FEWEST_BLOCKS:
        return []
    size = len(hits) // blocks
    # What is over goes at the begin: the end is what the next minutes will be like.
    return [sum(hits[at : at + size]) for at in range(len(hits) - blocks * size, len(hits), size)]


def _expected(sums: Sequence[int], hits: Sequence[bool]) -> float:
    """Variance of a block's sum if requests were independent; 0 when there is nothing to compare."""
    if not sums:
        return 0.0
    share = sum(hits) / len(hits)
    return len(hits) // len(sums) * share * (1 - share)


def _price(freedom: int) -> float:
    """What it costs that the variance is only estimated: Student's quantile over the normal one, squared (Fisher's expansion)."""
    student = _NORMAL + (_NORMAL**3 + _NORMAL) / (4 * freedom)
    return (student / _NORMAL) ** 2
