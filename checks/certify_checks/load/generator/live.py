"""What a run is like at this moment, for whoever watches it. Standard library only."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

from certify_checks.load.generator.outcomes import OK
from certify_checks.load.generator.tally import Row

SECONDS = 5
"""How long what is told looks back: long enough for a percentile, short enough to be now."""


class Live:
    """Figures of the last seconds; to be asked once a second."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._marks: deque[tuple[int, int]] = deque([(0, 0)], SECONDS)
        self._errors = 0

    def told(self, now_us: int) -> dict[str, Any]:
        """Requests and errors so far; rate and percentiles of the last seconds, 0 without a request in them."""
        began, first = self._marks[0]
        fresh = self._rows[self._marks[-1][1] :]
        self._errors += sum(row.outcome != OK for row in fresh)
        recent = sorted(row.response_us for row in self._rows[first:])
        self._marks.append((now_us, len(self._rows)))
        rate = len(recent) * 1000 * 1_000_000 // max(1, now_us - began)
        shares = {f"p{share}_us": _percentile(recent, share) for share in (50, 95, 99)}
        return {"requests": len(self._rows), "errors": self._errors, "rate": rate, **shares}


def _percentile(ordered: Sequence[int], share: int) -> int:
    return ordered[max(1, math.ceil(share * len(ordered) / 100)) - 1] if ordered else 0
