"""Says where the slowest requests spent their time. Pure; it decides nothing."""

from collections import Counter
from collections.abc import Iterable

from certify.api import Measurement, clip, format_quantity
from certify_checks.load.model import LoadSeen
from certify_checks.load.statistics.intervals import MILLION

_SHOWN = 6
_NAMED = 3
_LONGEST = 60


def measured(seen: LoadSeen) -> Iterable[Measurement]:
    """The share of each place, the largest first."""
    requests = sum(one.requests for one in seen.spending)
    for place, share in _shares(seen)[:_SHOWN]:
        yield Measurement(f"time of the slowest requests: {place}", share, "ppm", samples=requests)


def told(seen: LoadSeen) -> str:
    """One sentence; empty when no request was traced."""
    largest = ", ".join(f"{format_quantity(share, 'ppm')} {place}" for place, share in _shares(seen)[:_NAMED])
    requests = sum(one.requests for one in seen.spending)
    return f"The time of the {requests} slowest of the traced requests went to: {largest}" if largest else ""


def _shares(seen: LoadSeen) -> list[tuple[str, int]]:
    spent: Counter[str] = Counter()
    for one in seen.spending:
        spent.update(one.places)
    whole = sum(one.elapsed_us for one in seen.spending)
    return [(clip(place, _LONGEST), MILLION * us // whole) for place, us in spent.most_common()] if whole > 0 else []
