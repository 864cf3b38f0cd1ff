"""What response times come to: their 95th percentile, the interval of the true one, and whether it grew meanwhile. Pure."""

from collections.abc import Sequence

import msgspec

from certify.api import Limit, Outcome, format_quantity
from certify_checks.load.rules.soundness import P50, P95
from certify_checks.load.statistics.dependence import design_effect, drifts, last_third
from certify_checks.load.statistics.intervals import CONFIDENCE, percentile, percentile_ranks
from certify_checks.load.statistics.sequential import shared

# A factor from the limit.
_NEAR = 4
# What is beyond every limit, in microseconds.
_UNBOUNDED = 1 << 62


class Reading(msgspec.Struct, frozen=True):
    """The 95th percentile of some requests, in microseconds, and the interval in which the true one lies.

    Attributes:
        high: None when the requests are worth too few for an upper end.
        worth: as how many independent requests they count; see `certify_checks.load.statistics.dependence`.
    """

    value: int
    low: int
    high: int | None
    worth: int

    @staticmethod
    def of(times: Sequence[int], limit: Limit, looks: int = 1) -> "Reading":
        """Out of response times in the order in which the requests began, not none; at one of so many `looks`."""
        ordered = sorted(times)
        value = percentile(ordered, P95)
        # Seen at the percentile itself, but not far from the limit: how requests depend that are nowhere near it cannot matter.
        level = min(max(value, limit.value // _NEAR), limit.value * _NEAR)
        effect = design_effect([time > level for time in times])
        low, high = percentile_ranks(P95, len(times), shared(CONFIDENCE, looks), effect)
        return Reading(value, ordered[low - 1], None if high is None else ordered[high - 1], int(len(times) / effect))

    @property
    def interval(self) -> tuple[int, int] | None:
        """Both ends, where both are known."""
        return None if self.high is None else (self.low, self.high)

    def against(self, limit: Limit) -> Outcome:
        """What both ends say. One that is not known may be anywhere."""
        return limit.decide(self.low, _UNBOUNDED if self.high is None else self.high)

    def __str__(self) -> str:
        """For people."""
        low, value = (format_quantity(one, "us") for one in (self.low, self.value))
        high = "unknown" if self.high is None else format_quantity(self.high, "us")
        return f"p95 {value} [{low}, {high}]"


def grown(times: Sequence[int]) -> str:
    """What grew between the first third and the last, beyond chance; empty when nothing did."""
    ordered = sorted(times)
    for name, share in (("p95", P95), ("median", P50)):
        level = percentile(ordered, share)
        if drifts([time > level for time in times]):
            thirds = (times[: len(times) // 3], times[last_third(len(times)) :])
            first, last = (format_quantity(percentile(sorted(third), share), "us") for third in thirds)
            return f"the {name} rose meanwhile, from {first} to {last}"
    return ""
