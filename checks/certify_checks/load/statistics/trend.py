"""By how much something grows a second, with an interval that needs no distribution's name. Pure.

What is there is first put into blocks, and of each block only the least counts: what a collector of garbage frees again is no
growth, and a leak lifts the least as well. Then there are two kinds of series, told apart by how the rest depends on its neighbour:

- What goes up and down around a line, such as open connections: the median of all slopes between two blocks (Theil 1950,
  Sen 1968), with the interval from Kendall's statistic, whose variance is raised by dependence (Hamed and Rao 1998).
- What keeps what it once took, such as memory: its steps from block to block are what varies, and their mean is the slope.
  Where they undo each other this is wider than need be, never narrower.
"""

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, median, stdev

import msgspec

BLOCKS = 24
FEWEST = 10
# Correlation of neighbours from which on a series is not taken to return to its line.
_WANDERS = 0.5
Point = tuple[float, float]


class Trend(msgspec.Struct, frozen=True):
    """Growth a second, and between which ends the true one lies."""

    low: float
    slope: float
    high: float


def trend(points: Sequence[tuple[int, int]], tail: float) -> Trend | None:
    """How the least of each block grows; None when there are too few blocks to tell.

    Args:
        points: (microseconds, value), ascending.
        tail: how likely the true slope may be beyond each end.
    """
    blocks = floors(points)
    if len(blocks) < FEWEST:
        return None
    return _around_a_line(blocks, tail) or _stepwise(blocks, tail)


def floors(points: Sequence[tuple[int, int]]) -> list[Point]:
    """The least value of each block, at the middle of its time in seconds."""
    if len(points) < FEWEST:
        return []
    count = min(BLOCKS, len(points))
    bounds = [len(points) * number // count for number in range(count + 1)]
    parts = [points[start:end] for start, end in itertools.pairwise(bounds)]
    return [(fmean(at for at, _ in part) / 1e6, min(value for _, value in part)) for part in parts]


def _around_a_line(blocks: Sequence[Point], tail: float) -> Trend | None:
    """None when what is left beside the line wanders, or is too little for both ends."""
    count = len(blocks)
    slopes = sorted(
        (later[1] - one[1]) / (later[0] - one[0]) for number, one in enumerate(blocks) for later in blocks[number + 1 :]
    )
    slope = median(slopes)
    correlation = _correlation([value - slope * at for at, value in blocks])
    if correlation > _WANDERS:
        return None
    raised = (1 + correlation) / (1 - correlation)
    variance = raised * count * (count - 1) * (2 * count + 5) / 18
    reach = -NormalDist().inv_cdf(tail) * math.sqrt(variance)
    low, high = math.floor((len(slopes) - reach) / 2) - 1, math.ceil((len(slopes) + reach) / 2)
    return Trend(slopes[low], slope, slopes[high]) if low >= 0 and high < len(slopes) else None


def _correlation(values: Sequence[float]) -> float:
    """Of neighbours, with what the estimate of it lacks in a short series (Kendall 1954) added; not below 0."""
    mean = fmean(values)
    whole = math.fsum((value - mean) ** 2 for value in values)
    if not whole:
        return 0.0
    both = math.fsum((one - mean) * (two - mean) for one, two in itertools.pairwise(values))
    return min(0.99, max(0.0, (len(values) * both / whole + 1) / (len(values) - 4)))


def _stepwise(blocks: Sequence[Point], tail: float) -> Trend:
    steps = [two[1] - one[1] for one, two in itertools.pairwise(blocks)]
    seconds = blocks[-1][0] - blocks[0][0]
    reach = student(tail, len(steps) - 1) * stdev(steps) * math.sqrt(len(steps)) / seconds
    slope = math.fsum(steps) / seconds
    return Trend(slope - reach, slope, slope + reach)


def student(tail: float, freedom: int) -> float:
    """Student's quantile that `tail` lies beyond (Hill 1970, Fisher's expansion; within 1 % from 8 degrees of freedom on)."""
    z = -NormalDist().inv_cdf(tail)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / freedom ** (number + 1) for number, term in enumerate(terms))
