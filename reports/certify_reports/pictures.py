"""Geometry of the inline pictures; the templates only write it down. A table beside each says the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certify.api import Measurement, Outcome, format_quantity

GAUGE_WIDTH: Final = 240
LEAST_SEGMENT: Final = 3.5
_ONE_SIDED: Final = {"<", "<=", ">", ">="}


@dataclass(frozen=True)
class Gauge:
    """A measured value against its limit; all positions are x in 0..`GAUGE_WIDTH`."""

    allowed: tuple[float, float]
    limit: float
    interval: tuple[float, float]
    value: float
    holds: bool
    label: str


def gauge(measurement: Measurement) -> Gauge | None:
    """The picture of a one-sided limit; None where a picture would say nothing, as for `== 0`."""
    limit = measurement.limit
    if limit is None or limit.operator not in _ONE_SIDED:
        return None
    low, high = measurement.interval or (measurement.value, measurement.value)
    left = min(0, low, limit.value)
    right = left + max(1, int((max(high, limit.value, measurement.value) - left) * 1.18))

    def place(value: int) -> float:
        share = (min(max(value, left), right) - left) / (right - left)
        return round(4 + share * (GAUGE_WIDTH - 8), 1)

    mark = place(limit.value)
    allowed = (4.0, mark) if limit.operator.startswith("<") else (mark, GAUGE_WIDTH - 4.0)
    shown = format_quantity(measurement.value, measurement.unit)
    return Gauge(
        allowed,
        mark,
        (place(low), max(place(high), place(low) + 1)),
        place(measurement.value),
        limit.holds(measurement.value),
        f"{shown} measured, limit {limit}",
    )


@dataclass(frozen=True)
class Segment:
    """One outcome's part of the bar; positions are per cent of its width."""

    outcome: Outcome
    count: int
    x: float
    width: float

    @property
    def middle(self) -> float:
        """Where its symbol stands."""
        return round(self.x + self.width / 2, 2)


def outcome_bar(counts: Sequence[tuple[Outcome, int]]) -> tuple[Segment, ...]:
    """Parts whose widths are as their counts, each wide enough for its symbol."""
    total = sum(count for _, count in counts)
    free = 100 - LEAST_SEGMENT * len(counts)
    segments: list[Segment] = []
    x = 0.0
    for outcome, count in counts:
        width = LEAST_SEGMENT + free * count / total
        segments.append(Segment(outcome, count, round(x, 2), round(width, 2)))
        x += width
    return tuple(segments)


def sparkline(values: Sequence[int], width: int = 120, height: int = 22) -> tuple[tuple[float, float], ...]:
    """The points of a line through equally distant values, the largest at the top; empty where there is no line to draw."""
    top = max(values, default=0)
    if len(values) < 2 or top <= 0:
        return ()
    step = width / (len(values) - 1)
    return tuple(
        (round(number * step, 1), round(1 + (height - 2) * (1 - value / top), 1)) for number, value in enumerate(values)
    )


def share(value: int, largest: int, width: int = 120) -> float:
    """Length of a bar, at least a visible stroke."""
    return round(max(1.5, width * value / largest), 1) if largest > 0 else 1.5
