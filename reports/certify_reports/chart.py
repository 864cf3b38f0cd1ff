"""Geometry of a chart: its axes, its curves, its limit. Beside it stands a table that says the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from certify.api import Axis, Chart, Curve, format_quantity

WIDTH: Final = 640
HEIGHT: Final = 250
# Where the curves lie.
LEFT: Final = 72.0
RIGHT: Final = 628.0
TOP: Final = 16.0
BOTTOM: Final = 206.0
CURVES: Final = 6
"""More colours and dashes than these are not told apart."""
_TICKS: Final = 5
_ROWS: Final = 40
# A limit further above the curves than so many times would leave them flat on the ground.
_FAR: Final = 20
_MILLION: Final = 1_000_000
_SHARES: Final = (0, 500_000, 900_000, 950_000, 990_000, 999_000, 999_900, 999_990)


@dataclass(frozen=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Path:
    """One curve: its name and its points."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ChartView:
    """A chart as the page shows it. `limit` is where its line lies; None: there is none to be seen."""

    title: str
    x_name: str
    y_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    paths: tuple[Path, ...]
    limit: float | None
    limit_told: str
    marked: tuple[Tick, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    rows_left: int

    @property
    def told(self) -> str:
        """For those who cannot see it."""
        return f"{self.title}: {self.y_name} over {self.x_name}; the same stands in the table below"


def view(chart: Chart, rows: int) -> ChartView | None:
    """As much of a chart as can be seen; None when it has no curve of two points, or its table no room."""
    curves = [curve for curve in chart.curves if len(curve.points) > 1][:CURVES]
    if not curves or rows < _ROWS:
        return None
    xs = [x for curve in curves for x, _ in curve.points]
    most = max(y for curve in curves for _, y in curve.points)
    limit = chart.limit
    shown = limit is not None and 0 <= limit.value <= _FAR * max(most, 1)
    top = max(most, limit.value if limit and shown else 0, 1)
    across, up = _Across(chart.x, min(xs), max(xs)), _Up(top * 1.06)
    return ChartView(
        title=chart.title,
        x_name=chart.x.name,
        y_name=chart.y.name,
        x_ticks=across.ticks(),
        y_ticks=tuple(Tick(up.at(value), format_quantity(value, chart.y.unit)) for value in _steps(top, chart.y.unit)),
        paths=tuple(Path(c.name, tuple((across.at(x), up.at(y)) for x, y in c.points)) for c in curves),
        limit=up.at(limit.value) if limit and shown else None,
        limit_told=_limit_told(chart, shown=shown),
        marked=tuple(Tick(across.at(at), told) for at, told in chart.marked if min(xs) <= at <= max(xs)),
        head=(chart.x.name, *(curve.name for curve in curves)),
        rows=_table(chart, curves),
        rows_left=max(0, len(set(xs)) - _ROWS),
    )


class _Across:
    """Places from left to right; a tail is stretched, so that each further nine takes as much room."""

    def __init__(self, axis: Axis, low: int, high: int) -> None:
        self._axis, self._low, self._high = axis, low, high
        self._from, self._to = self._stretched(low), self._stretched(high)

    def _stretched(self, value: int) -> float:
        return -math.log10(max(_MILLION - value, 1) / _MILLION) if self._axis.tail else float(value)

    def at(self, value: int) -> float:
        share = (self._stretched(value) - self._from) / ((self._to - self._from) or 1)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def ticks(self) -> tuple[Tick, ...]:
        if self._axis.tail:
            values: Sequence[int] = [share for share in _SHARES if self._low <= share <= self._high]
        else:
            values = [value for value in _steps(self._high, self._axis.unit) if value >= self._low]
        return tuple(Tick(self.at(value), format_quantity(value, self._axis.unit)) for value in values)


class _Up:
    """Places from the ground up."""

    def __init__(self, top: float) -> None:
        self._top = top

    def at(self, value: int) -> float:
        return round(BOTTOM - max(0, value) / self._top * (BOTTOM - TOP), 1)


def _steps(top: int, unit: str) -> list[int]:
    """Round values from 0 to `top`, equally far apart."""
    base = 1
    if unit == "B":
        base = 1 << (10 * max(0, (max(top, 1).bit_length() - 1) // 10))
    if unit == "us" and top > 120_000_000:
        base = 60_000_000
    rough = max(top / base / _TICKS, 1e-9)
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    size = max(1, round(step * base))
    return list(range(0, top + 1, size))


def _limit_told(chart: Chart, *, shown: bool) -> str:
    if chart.limit is None:
        return ""
    return f"limit {chart.limit}" if shown else f"limit {chart.limit}, far above what is shown"


def _table(chart: Chart, curves: Sequence[Curve]) -> tuple[tuple[str, ...], ...]:
    """A row for each x, or for as many as a person would read, equally far apart."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    every = -(-len(places) // _ROWS)
    known = [dict(curve.points) for curve in curves]
    return tuple(
        (
            format_quantity(x, chart.x.unit),
            *(format_quantity(of[x], chart.y.unit) if x in of else "" for of in known),
        )
        for x in places[::every]
    )
