"""How many times as long one of two versions takes, from requests to both that were sent in turns. Pure.

What slows the machine slows both at the same moment, so the ratio is taken moment by moment: in each block of requests that followed
one another, one percentile over the other. The ratios' pseudo-median and its interval are Hodges and Lehmann's, from Wilcoxon's signed
ranks (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, sections 3.2 and 3.3): no distribution is assumed but that
a block is as likely to be above the true ratio as below it by the same factor.
"""

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from certify_checks.load.statistics.intervals import MILLION, percentile

BLOCKS = 30
# Of fewer nothing can be said at 99 %, and a percentile of fewer requests is the largest of them.
FEWEST_BLOCKS = 10
SMALLEST = 40
CONFIDENCE = 0.99

Timed = tuple[int, int]
"""When a request began, and how long it took, in microseconds."""


class Ratio(NamedTuple):
    """In parts per million of the other version's time: 1,100,000 is a tenth longer."""

    value: int
    low: int
    high: int


def ratio(own: Sequence[Timed], other: Sequence[Timed], share_ppm: int) -> Ratio | None:
    """The ratio of a percentile; None when there are too few requests.

    Args:
        own: requests to the version in question, in the order in which they began.
        other: to that with which it is compared, likewise.
        share_ppm: which percentile.
    """
    count = min(BLOCKS, min(len(own), len(other)) // SMALLEST)
    if count < FEWEST_BLOCKS:
        return None
    pairs = zip(_blocks(own, other, count), _blocks(other, other, count), strict=True)
    logs = [math.log(_of(one, share_ppm) / _of(two, share_ppm)) for one, two in pairs if one and two]
    if len(logs) < FEWEST_BLOCKS:
        return None
    averages = sorted((one + two) / 2 for one, two in itertools.combinations_with_replacement(logs, 2))
    cut = _cut(len(logs))
    value = averages[len(averages) // 2]
    low, high = averages[cut - 1], averages[-cut]
    return Ratio(_ppm(value), math.floor(math.exp(low) * MILLION), math.ceil(math.exp(high) * MILLION))


def _blocks(requests: Sequence[Timed], by: Sequence[Timed], count: int) -> list[list[int]]:
    """Times of requests in each of `count` spans of time, which hold as many requests of `by`."""
    starts = [by[number * len(by) // count][0] for number in range(1, count)]
    blocks: list[list[int]] = [[] for _ in range(count)]
    for began, took in requests:
        blocks[bisect.bisect_right(starts, began)].append(took)
    return blocks


def _of(times: Sequence[int], share_ppm: int) -> int:
    return max(1, percentile(sorted(times), share_ppm))


def _ppm(logarithm: float) -> int:
    return round(math.exp(logarithm) * MILLION)


def _cut(count: int) -> int:
    """Which of the averages, from 1 and from either end, is the end of the interval."""
    # Ways to reach each sum of ranks, out of 2 ** count.
    ways = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    tail, cut = 0, 0
    while tail + ways[cut] <= (1 - CONFIDENCE) / 2 * 2**count:
        tail += ways[cut]
        cut += 1
    return cut
