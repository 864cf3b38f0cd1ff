"""From readings to what each part used over the whole run. Pure."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from certify.drivers.counting import Counters, Reading
from certify.model.resources import Resources, Usage

SPANS: Final = 40
_COUNTED: Final = ("cpu_us", "network_in", "network_out", "block_read", "block_written")
# Twice as many are thinned out to half: a run may take hours.
_MOST_POINTS: Final = 2_048
# Signed files hold 64 bits; a kernel's counter that wraps around tells numbers that nothing ever used.
_LARGEST: Final = 1 << 56
_WHY_BLOCK: Final = "the kernel told of none for any part"
_WHY_MEMORY: Final = "this user may not read it"
Point = tuple[int, int]


class Part:
    """All that was read of one part."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._identity = ""
        self._earlier: dict[str, int | None] = dict.fromkeys(_COUNTED, 0)
        self._now: dict[str, int | None] = dict.fromkeys(_COUNTED)
        self._peak: int | None = None
        self._samples = 0
        self._points: list[Point] = []

    def add(self, at_us: int, counters: Counters) -> None:
        """One more reading. A counter that goes back is late, not less; one of another process counts on."""
        if self._identity and counters.identity != self._identity:
            self._earlier, self._now = self._totals(), dict.fromkeys(_COUNTED)
        self._identity = counters.identity
        for name in _COUNTED:
            self._now[name] = _larger(self._now[name], _possible(getattr(counters, name)))
        self._peak = _larger(self._peak, _possible(counters.memory))
        self._samples += 1
        if (cpu := self._totals()["cpu_us"]) is not None:
            self._points.append((at_us, cpu))
            if len(self._points) > 2 * _MOST_POINTS:
                del self._points[1:-1:2]

    def usage(self, ends: Sequence[int]) -> Usage:
        """What it used; the spans of its line lie between `ends`."""
        if not self._samples:
            return Usage(self._name)
        return Usage(
            self._name,
            self._samples,
            memory_peak=self._peak,
            cpu_line=line(self._points, ends),
            **self._totals(),
        )

    def _totals(self) -> dict[str, int | None]:
        return {name: _sum(self._earlier[name], self._now[name]) for name in _COUNTED}


class Tally:
    """Of one run."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._times: list[int] = []
        self._cost = 0
        self._unknown: dict[str, str] = {}
        self._why = ""

    def add(self, at_us: int, reading: Reading) -> None:
        """One look at all parts, at `at_us` on any steady clock."""
        self._why, self._cost = reading.why, self._cost + reading.cost_us
        self._unknown |= reading.unknown
        for name, counters in reading.parts.items():
            part = self._parts.setdefault(name, Part(name))
            if counters is not None:
                part.add(at_us, counters)
        if any(reading.parts.values()):
            self._times.append(at_us)

    def resources(self) -> Resources:
        """All of it, for the record."""
        if not self._times:
            return Resources(cost_us=self._cost, missing=self._why or "the stack was not up when it was looked at")
        first, last, looks = self._times[0], self._times[-1], len(self._times)
        # Finer than the looks were, a line would only show what lies between them as even.
        count = min(SPANS, looks - 1)
        span = max(1, -(-(last - first) // max(1, count)))
        ends = [first + span * number for number in range(count + 1)]
        parts = tuple(part.usage(ends) for part in self._parts.values())
        return Resources(
            parts=parts,
            samples=looks,
            every_us=(last - first) // max(1, looks - 1),
            cost_us=self._cost,
            span_us=span,
            unknown={**_unknown(parts), **self._unknown},
            missing="",
        )


def line(points: Sequence[Point], ends: Sequence[int]) -> tuple[int, ...]:
    """What a counter grew by between each two of `ends`; growth between two points is spread evenly, and none is lost.

    Before its first point it did not grow as far as anybody saw, nor does it after its last.
    """
    if len(points) < 2:
        return ()
    values = [_at(points, end) for end in ends]
    return tuple(after - before for before, after in itertools.pairwise(values))


def _at(points: Sequence[Point], at_us: int) -> int:
    """A counter at a moment, as a whole number, between its points in proportion."""
    if at_us <= points[0][0]:
        return points[0][1]
    for (start, low), (end, high) in itertools.pairwise(points):
        if at_us <= end:
            return low + (high - low) * (at_us - start) // max(1, end - start)
    return points[-1][1]


def _possible(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _LARGEST else None


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def _sum(one: int | None, other: int | None) -> int | None:
    """None as soon as something is not known: less than it was must not be told."""
    return None if one is None or other is None else one + other


def _unknown(parts: Iterable[Usage]) -> dict[str, str]:
    """What is known of no part that was seen."""
    seen = [part for part in parts if part.samples]
    told = {}
    if all(part.memory_peak is None for part in seen):
        told["memory"] = _WHY_MEMORY
    if all(part.block_read is None for part in seen):
        told["block"] = _WHY_BLOCK
    if all(part.network_in is None for part in seen):
        told["network"] = "no part has a network of its own"
    return told
