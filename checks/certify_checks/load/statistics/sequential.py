"""Taking more samples until an interval is narrow enough, without being wrong more often for it. Pure.

Whoever looks at a run several times, and stops when he likes what he sees, errs at any of the looks. The interval of each is therefore
made so wide that all together err as rarely as one would (Bonferroni): that holds whatever the rule by which one stops, and however
the looks depend on each other (Jennison and Turnbull 2000, Group Sequential Methods, section 2).
"""

from collections.abc import Sequence

from certify_checks.load.statistics.dependence import design_effect
from certify_checks.load.statistics.intervals import MILLION, percentile, percentile_ranks

LOOKS = 5
"""How often a run that may be lengthened is looked at, at most: at its first length, at its longest, and in between."""
P95 = 950_000


def shared(confidence: float, looks: int) -> float:
    """The confidence of each of so many looks, so that all of them together have `confidence`."""
    return 1 - (1 - confidence) / max(1, looks)


def lengths(first: float, most: float) -> tuple[float, ...]:
    """How long the run is at each look: each time longer by the same factor."""
    if most <= first:
        return (first,)
    return (*(first * (most / first) ** (look / (LOOKS - 1)) for look in range(LOOKS - 1)), most)


def width_ppm(times: Sequence[int], confidence: float) -> int | None:
    """How wide the interval of the 95th percentile is, in ppm of it; None without an upper end.

    Args:
        times: response times in the order in which the requests were due.
        confidence: of one look.
    """
    if not times:
        return None
    ordered = sorted(times)
    value = percentile(ordered, P95)
    low, high = percentile_ranks(P95, len(times), confidence, design_effect([time > value for time in times]))
    return None if high is None else (ordered[high - 1] - ordered[low - 1]) * MILLION // max(1, value)


def narrow(times: Sequence[int], confidence: float, precision_ppm: int) -> bool:
    """Whether both ends of the interval are within `precision_ppm` of the percentile, taken together."""
    width = width_ppm(times, confidence)
    return width is not None and width <= 2 * precision_ppm
