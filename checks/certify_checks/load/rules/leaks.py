"""Judges whether any service keeps ever more memory, file handles, connections or threads. Pure.

What a kind may grow by is a share of the most that the part may hold, in 24 hours unless the profile says otherwise. The interval of the
growth that was seen is projected so far: *pass* when even its upper end is within the limit, *fail* when even its lower end is not.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from certify.api import (
    Axis,
    Chart,
    Criteria,
    Curve,
    Finding,
    Limit,
    Location,
    Measurement,
    Outcome,
    Ruling,
    Seeded,
    format_quantity,
)
from certify_checks.load.holdings import KINDS, Holding, Soak
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.soundness import unusable
from certify_checks.load.statistics.trend import FEWEST, Trend, floors, trend

HOUR = 3_600
_MILLION = 1_000_000
# One in twenty, over both ends of all intervals of a run together (Bonferroni).
_WRONG = 0.05
# The part of the measured window at its begin in which caches, pools and heaps fill: not counted.
_WARMING = 2
# A growth counts as a leak only once this part of what a day allows was seen, in each half of the window: else a heap that
# still fills would be one.
_SEEN = 10
# Beyond one in so many requests without a right answer, a load says nothing of what right ones leave behind.
_WRONGED = 10
# What comes in single steps and was not seen may be so many that were missed (95 %; Hanley and Lippman-Hand 1983).
_MISSED = 3
_STEP = {"memory": 4096, "handles": 1, "connections": 1, "threads": 1}
_UNIT = {"memory": "B", "handles": "1", "connections": "1", "threads": "1"}
_ONE = {"memory": "memory", "handles": "file handles", "connections": "connections", "threads": "threads"}
_BOUND = 1 << 50
_CURVES = 6
_PLANTED_LOOKS, _PLANTED_CEILING, _PLANTED_TOOTH = 120, 20_000, 200
CURES = {
    "memory": "take two snapshots of what the service holds some minutes apart (tracemalloc, a heap dump), and compare them",
    "handles": "list its open files twice (`ls -l /proc/PID/fd`): what is there ever more often is opened and never closed",
    "connections": "see which peer its open connections lead to (`ss -tnp`), and close or pool them",
    "threads": "list its threads by name (`py-spy dump`, `jstack`): what is started with each request must end with it",
}


class Grown(NamedTuple):
    """What is known of one kind of one part: growth a second, the most that it may hold, and what that comes to in `over` seconds."""

    part: str
    kind: str
    trend: Trend
    ceiling: int
    over: float
    outcome: Outcome
    why: str = ""

    @property
    def shares(self) -> tuple[int, int, int]:
        """Lower end, slope and upper end, projected, in ppm of the ceiling."""
        return tuple(
            _share(one * self.over, self.ceiling) for one in (self.trend.low, self.trend.slope, self.trend.high)
        )  # type: ignore[return-value]

    def per_hour(self, slope: float) -> str:
        """For people."""
        if self.kind == "memory":
            return f"{format_quantity(round(slope * HOUR), 'B')} an hour"
        return f"{slope * HOUR:,.1f} {_ONE[self.kind]} an hour"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Fail when one leaks beyond doubt, pass when none can, else say what was too little."""
    if ruling := unusable(seen) or _blind(seen.soak):
        return ruling
    parts = [part for part in seen.soak.parts if criteria.covers(part.name)]
    judged, problems = _all(parts, seen.soak, criteria)
    if not judged:
        return Ruling.inconclusive("no-samples", "; ".join(problems[:3]) or "no service is covered", cure=_LONGER)
    measured = tuple(_measured(judged, criteria))
    charts = tuple(_charts(parts, seen.soak))
    looks = sum(len(part.at_us) for part in parts)
    told = (
        f"{len(parts)} services over {format_quantity(_window(seen.soak), 'us')} without the warm-up: {_told(judged)}"
    )
    if failed := [one for one in judged if one.outcome is Outcome.FAIL]:
        findings = tuple(_finding(one, criteria) for one in failed)
        return Ruling(Outcome.FAIL, told, looks, findings=findings, measurements=measured, charts=charts)
    if again := [part.name for part in parts if _ended(part, seen.soak)]:
        told = f"{', '.join(again)} ended under load or was started again: what it had held is gone; {told}"
        cure = "see why it ended: its log, its memory limit"
        ruling = Ruling.inconclusive("started-again", told, cure=cure, examined=looks)
    elif problems:
        told = f"{len(problems)} times it cannot be told: {'; '.join(problems[:3])}; {told}"
        cure = "run certify as a user who may look into the services' processes, on their machine, and declare `memory`"
        ruling = Ruling.inconclusive("not-all-seen", told, cure=cure, examined=looks)
    elif open_ := [one for one in judged if one.outcome is Outcome.INCONCLUSIVE]:
        ruling = _undecided(open_, criteria, told, looks, seen.soak)
    elif (wrong := seen.failures) * _WRONGED > seen.requests:
        told = (
            f"{wrong:,} of {seen.requests:,} requests got no right answer, so little was asked of the services; {told}"
        )
        cure = "see the errors of the same load, and measure again"
        ruling = Ruling.inconclusive("load-failed", told, cure=cure, examined=looks)
    else:
        return Ruling(Outcome.PASS, told, looks, measurements=measured, charts=charts)
    return replace(ruling, measurements=measured, charts=charts)


_LONGER = "lengthen `hold`: a soak of an hour sees what five minutes cannot"


def _blind(soak: Soak) -> Ruling | None:
    """Why watching says nothing; None when what a process of our own took was seen."""
    if soak.missing:
        cure = "let certify boot the stack, on this machine: elsewhere it cannot look at processes"
        return Ruling.inconclusive("not-watched", soak.missing, cure=cure)
    for kind, planted in soak.planted.items():
        values = soak.decoy.held.get(kind, ())
        if not values or max(values) - values[0] < planted:
            told = f"a process of our own took {planted:,} more of {_ONE[kind]}, and it was not seen"
            return Ruling.inconclusive("sensor-blind", told, cure="let certify read /proc, and lengthen `hold`")
    if not soak.planted:
        return Ruling.inconclusive("sensor-blind", "no process of our own was watched", cure="observe it anew")
    return None


def _all(parts: list[Holding], soak: Soak, criteria: Criteria) -> tuple[list[Grown], list[str]]:
    """What can be judged, and of what else nothing can be said, and why."""
    judged, problems = [], []
    tail = _WRONG / (2 * len(KINDS) * max(1, len(parts)))
    for part in parts:
        if not part.at_us:
            problems.append(f"{part.name} was never seen")
            continue
        for kind in KINDS:
            points = counted(part, kind, soak)
            if not points:
                problems.append(f"{_ONE[kind]} of {part.name}: {part.unknown.get(kind, 'seen too seldom')}")
            elif not part.ceilings.get(kind):
                problems.append(f"{_ONE[kind]} of {part.name}: no limit is known")
            elif (found := trend(points, tail)) is None:
                problems.append(f"{_ONE[kind]} of {part.name}: only {len(points)} looks, {FEWEST} are needed")
            else:
                judged.append(_judged(part, kind, points, found, soak.over_us / 1e6, criteria[kind]))
    return judged, problems


def counted(part: Holding, kind: str, soak: Soak) -> list[tuple[int, int]]:
    """What was seen after the warm-up."""
    points = part.points(kind)
    if not points:
        return []
    begin = soak.from_us + (points[-1][0] - soak.from_us) // _WARMING
    return [point for point in points if point[0] >= begin]


def _judged(  # noqa: PLR0913, PLR0917 - all that one verdict stands on
    part: Holding, kind: str, points: list[tuple[int, int]], found: Trend, over: float, limit: Limit
) -> Grown:
    seconds = (points[-1][0] - points[0][0]) / 1e6
    missed = _MISSED * _STEP[kind] / seconds
    wide = Trend(found.low, found.slope, max(found.high, found.slope + missed))
    ceiling = part.ceilings[kind]
    one = Grown(part.name, kind, wide, ceiling, over, Outcome.INCONCLUSIVE)
    low, _, high = one.shares
    outcome = limit.decide(low, high)
    if outcome is not Outcome.FAIL:
        return one._replace(outcome=outcome)
    allowed = ceiling * limit.value / _MILLION
    why = "" if _steady(points, allowed) else "it grows, but so far no more than what is still filling would"
    return one._replace(outcome=Outcome.INCONCLUSIVE if why else outcome, why=why)


def _steady(points: list[tuple[int, int]], allowed: float) -> bool:
    """Whether it grows in both halves, in the second at least half as fast, and in each by what can be no warming up."""
    least = [value for _, value in floors(points)]
    middle = len(least) // 2
    grown = (least[middle] - least[0], least[-1] - least[middle])
    return min(grown) >= allowed / _SEEN / 2 and 2 * grown[1] >= grown[0]


def _long(seconds: float) -> str:
    return format_quantity(round(seconds * _MILLION), "us")


def _share(growth: float, ceiling: int) -> int:
    return max(-_BOUND, min(_BOUND, math.ceil(growth * _MILLION / ceiling)))


def _last(soak: Soak) -> int:
    """When anything was looked at last; a process of ours is there to the end, also if all others are gone."""
    return max((part.at_us[-1] for part in (*soak.parts, soak.decoy) if part.at_us), default=0)


def _window(soak: Soak) -> int:
    return max(0, _last(soak) - soak.from_us) * (_WARMING - 1) // _WARMING


def _ended(part: Holding, soak: Soak) -> bool:
    """Whether it became another process, or was not there any more for the last tenth of the time."""
    return part.starts > 1 or bool(part.at_us and part.at_us[-1] < _last(soak) * 9 // 10)


def _undecided(undecided: list[Grown], criteria: Criteria, told: str, looks: int, soak: Soak) -> Ruling:
    """Which hold would do: a growth that fades is half as fast after twice the time."""
    factor = max(1.5, *(one.shares[2] / max(1, criteria[one.kind].value) for one in undecided))
    hold_us = min(round(_window(soak) * _WARMING / (_WARMING - 1) * factor), soak.over_us)
    cure = f"lengthen `hold`: about {format_quantity(hold_us, 'us')} decide, if it is no leak"
    names = ", ".join(f"{_ONE[one.kind]} of {one.part}" for one in undecided[:4])
    reason = "still-filling" if any(one.why for one in undecided) else "too-short"
    told = f"{len(undecided)} cannot be told yet ({names}{', ...' if len(undecided) > 4 else ''}); {told}"
    return Ruling.inconclusive(reason, told, cure=cure, examined=looks)


def _told(judged: list[Grown]) -> str:
    """The most that each kind may be growing by, as far as this run can tell."""
    worst = [
        max((one for one in judged if one.kind == kind), key=lambda one: one.shares[2], default=None) for kind in KINDS
    ]
    return ", ".join(f"at most {one.per_hour(one.trend.high)} ({one.part})" for one in worst if one)


def _measured(judged: list[Grown], criteria: Criteria) -> Iterable[Measurement]:
    for one in sorted(judged, key=lambda one: -one.shares[2]):
        low, middle, high = one.shares
        name = f"{_ONE[one.kind]} more in {_long(one.over)}, of its limit"
        yield Measurement(name, middle, "ppm", criteria[one.kind], (low, high), service=one.part)


def _finding(one: Grown, criteria: Criteria) -> Finding:
    low, _, high = one.shares
    limit = criteria[one.kind]
    message = (
        f"{_ONE[one.kind]}: {one.per_hour(one.trend.slope)} more, so in {_long(one.over)} {format_quantity(low, 'ppm')} to "
        f"{format_quantity(high, 'ppm')} of the {format_quantity(one.ceiling, _UNIT[one.kind])} that it may have; limit {limit}"
    )
    return Finding(
        f"{one.kind}-leak", message, location=Location(service=one.part), cure=CURES[one.kind], context=one.kind
    )


def _charts(parts: list[Holding], soak: Soak) -> Iterable[Chart]:
    """Memory over time of those parts that grow most, from where it is counted."""
    series = {part.name: counted(part, "memory", soak) for part in parts}
    most = sorted(
        (name for name, points in series.items() if points), key=lambda name: series[name][0][1] - series[name][-1][1]
    )
    curves = tuple(
        Curve(name, tuple((at, value - series[name][0][1]) for at, value in series[name])) for name in most[:_CURVES]
    )
    if curves:
        yield Chart("Memory that services took since the warm-up", Axis("time", "us"), Axis("more memory", "B"), curves)


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Each kind of each service grows over the whole time by half more than it may; once among all others, and once below a saw's teeth."""
    names = [part.name for part in seen.soak.parts if criteria.covers(part.name)] or ["a service"]
    over = seen.soak.over_us
    for kind in KINDS:
        for name in names:
            soak = _soaked(over, _leaking(name, kind, criteria[kind], over))
            yield Seeded(f"{kind} of {name}", _with(seen, soak), f"{kind}-leak")
        others = [part for part in seen.soak.parts if part.name != names[0]]
        soak = _soaked(over, _leaking(names[0], kind, criteria[kind], over), *others)
        yield Seeded(f"{kind} of {names[0]} among all", _with(seen, soak), f"{kind}-leak")
        sawed = _leaking(names[0], kind, criteria[kind], over, tooth=_PLANTED_TOOTH)
        yield Seeded(f"{kind} of {names[0]}, as a saw", _with(seen, _soaked(over, sawed)), f"{kind}-leak")


def _leaking(name: str, kind: str, limit: Limit, over_us: int, tooth: int = 0) -> Holding:
    at = tuple(number * over_us // _PLANTED_LOOKS for number in range(_PLANTED_LOOKS))
    ceiling = _PLANTED_CEILING * _STEP[kind]
    grown = ceiling * max(1, limit.beyond()) * 3 // 2 // _MILLION
    values = tuple(
        ceiling + number * grown // _PLANTED_LOOKS + number % 5 * tooth * _STEP[kind] for number in range(len(at))
    )
    held = dict.fromkeys(KINDS, (1,) * len(at)) | {kind: values}
    return Holding(name, at, held, dict.fromkeys(KINDS, 1 << 40) | {kind: ceiling}, starts=1)


def _soaked(over_us: int, *parts: Holding) -> Soak:
    decoy = Holding("decoy", (0, 1), dict.fromkeys(KINDS, (0, 1)), starts=1)
    return Soak(parts, over_us=over_us, decoy=decoy, planted=dict.fromkeys(KINDS, 1))


def _with(seen: LoadSeen, soak: Soak) -> LoadSeen:
    return replace(sound(seen), soak=soak, operations=(spread("seeded", (1000,) * _PLANTED_LOOKS),))
