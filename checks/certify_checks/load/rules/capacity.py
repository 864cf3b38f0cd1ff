"""Judges the highest rate that a stack holds: the knee of a stepped ramp. Pure.

A rate is held when right answers come as fast as requests are due, and in time. What a step leaves open, and what its generator
could not do, widens the interval between the last rate that was held and the first that was not.
"""

from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec
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
from certify_checks.load.model import LoadSeen, Moment, OperationSeen, StageSeen
from certify_checks.load.rules.planting import sound
from certify_checks.load.rules.schedule import Figures, figures
from certify_checks.load.rules.soundness import BUSIEST, ROOM, noisy, uncalibrated, unusable
from certify_checks.load.statistics.dependence import FEWEST
from certify_checks.load.statistics.intervals import MILLION
from certify_checks.load.statistics.percentiles import Reading

KEPT_UP = 950_000
"""Right answers of a step that has settled, in ppm of the requests that are due meanwhile, from which on the stack kept up."""
_BEYOND = 1 << 62
_STEPS, _STEP_US, _DUE = 4, 5_000_000, 500


class Step(Enum):
    """What one step showed of its rate."""

    HELD = "held"
    OPEN = "open"
    BROKEN = "not held"


class Knee(msgspec.Struct, frozen=True):
    """The last rate that was held, in thousandths a second, 0 for none; and the first that was not, None if there is none."""

    low: int
    high: int | None
    shown: tuple[tuple[Figures, Step], ...]


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass when a rate within the limit was held; a knee that was not reached is told as such unless that suffices."""
    limit, took = criteria["capacity"], criteria["p95"]
    if ruling := unusable(seen) or _too_little(seen) or uncalibrated(seen):
        return ruling
    knee = _knee(seen, took)
    outcome, summary = limit.decide(knee.low, _BEYOND if knee.high is None else knee.high - 1), _told(knee, took)
    # Nobody asked for a number, and there is none: that is no pass.
    if outcome is Outcome.PASS and (knee.high is not None or limit.value > 0):
        ruling = Ruling(outcome, summary, seen.requests)
    elif outcome is Outcome.FAIL and (excused := noisy(seen)):
        ruling = replace(excused, summary=f"{summary}; {excused.summary}")
    elif outcome is Outcome.FAIL:
        ruling = Ruling(outcome, summary, seen.requests, findings=(_finding(summary, limit),))
    else:
        ruling = _undecided(knee, took, summary, seen.requests)
    interval = None if knee.high is None else (knee.low, knee.high)
    measured = Measurement("capacity", knee.low, "m/s", limit, interval, seen.requests)
    return replace(ruling, measurements=(measured, *_apart(knee)), charts=(_throughput(knee), _times(knee, took)))


def _too_little(seen: LoadSeen) -> Ruling | None:
    if len(seen.stages) < 2:
        cure = "give the control `steps: {from: 50/s, to: 500/s, count: 8, each: 5 s}`"
        return Ruling.inconclusive("no-steps", "the rate did not rise, so it has no knee", cure=cure)
    for one in figures(seen):
        if one.due < FEWEST:
            rate = format_quantity(one.stage.rate, "m/s")
            summary = f"{one.due} requests at {rate} are too few: {FEWEST} are needed"
            cure = "lengthen `each`, or begin with a higher rate"
            return Ruling.inconclusive("too-few-samples", summary, cure=cure, examined=seen.requests)
    return None


def _knee(seen: LoadSeen, took: Limit) -> Knee:
    """A rate counts as held only when all lower ones were; the first that was not ends it, whatever comes after."""
    shown = tuple((one, _step(one, took)) for one in sorted(figures(seen), key=lambda one: one.stage.rate))
    low = 0
    for one, step in shown:
        if step is not Step.HELD:
            break
        low = one.stage.rate
    high = next((one.stage.rate for one, step in shown if step is Step.BROKEN), None)
    return Knee(low, high, shown)


def _step(one: Figures, took: Limit) -> Step:
    reading, kept_up = Reading.of(one.times, took).against(took), one.done * MILLION >= KEPT_UP * one.settled
    if reading is Outcome.PASS and kept_up and one.settled:
        return Step.HELD
    broken = reading is Outcome.FAIL or not kept_up
    return Step.BROKEN if broken and not _of_generator(one, took) else Step.OPEN


def _of_generator(one: Figures, took: Limit) -> str:
    """Why it may be the generator that did not keep up, and not the stack; empty when it was able to."""
    stage = one.stage
    if stage.cpu_ppm > BUSIEST:
        return f"its generator used {format_quantity(stage.cpu_ppm, 'ppm')} of a core"
    if stage.late_p95_us > took.value // ROOM:
        return f"its generator began requests {format_quantity(stage.late_p95_us, 'us')} late at p95"
    if stage.waited and took.holds(stage.sent_p95_us):
        return f"{stage.waited:,} requests waited because all users were busy"
    return ""


def _told(knee: Knee, took: Limit) -> str:
    held = f"{format_quantity(knee.low, 'm/s')} held" if knee.low else "no rate held"
    if knee.high is None:
        return (
            f"at least {held}; the knee was not reached"
            if knee.low
            else "no rate was held for certain, none certainly not"
        )
    broken = next(one for one, step in knee.shown if step is Step.BROKEN)
    came = f"{format_quantity(broken.throughput, 'm/s')} came, p95 {format_quantity(broken.p95_us, 'us')}, limit {took}"
    return f"{held}, {format_quantity(knee.high, 'm/s')} not: {came}"


def _undecided(knee: Knee, took: Limit, summary: str, requests: int) -> Ruling:
    reason, cure = "knee-not-reached", "raise `to`, the rate of the last step"
    if unclear := [one for one, step in knee.shown if step is Step.OPEN]:
        reason, cure = "interval-straddles", "lengthen `each`, so that every step decides"
        if told := _of_generator(unclear[0], took):
            summary += f"; at {format_quantity(unclear[0].stage.rate, 'm/s')} {told}"
            reason, cure = (
                "generator-unsound",
                "share the load among more workers, raise `concurrent`, or use a faster machine",
            )
    elif knee.high is not None:
        reason, cure = "interval-straddles", "more and finer steps around the limit"
    return Ruling.inconclusive(reason, summary, cure=cure, examined=requests)


def _finding(summary: str, limit: Limit) -> Finding:
    cure = "profile the stack at the first rate that it does not hold: what is used up first says what to add"
    return Finding(
        "capacity-too-low",
        f"{summary}; asked for {limit}",
        location=Location(service="gateway"),
        cure=cure,
        context="capacity",
    )


def _apart(knee: Knee) -> Iterable[Measurement]:
    for one, step in knee.shown:
        rate = format_quantity(one.stage.rate, "m/s")
        yield Measurement(f"right answers at {rate}, {step.value}", one.throughput, "m/s", samples=one.due)
        yield Measurement(f"p95 at {rate}", one.p95_us, "us", samples=one.due)


_OFFERED = Axis("requests due a second", "m/s")


def _throughput(knee: Knee) -> Chart:
    came = tuple((one.stage.rate, one.throughput) for one, _ in knee.shown)
    due = tuple((one.stage.rate, round(1000 * one.due / one.seconds)) for one, _ in knee.shown)
    curves = (Curve("right answers", came), Curve("due", due))
    return Chart("Throughput by rate", _OFFERED, Axis("right answers a second", "m/s"), curves, marked=_marked(knee))


def _times(knee: Knee, took: Limit) -> Chart:
    points = tuple((one.stage.rate, one.p95_us) for one, _ in knee.shown)
    axis = Axis("95th percentile of response times", "us")
    return Chart("Response times by rate", _OFFERED, axis, (Curve("p95", points),), took, _marked(knee))


def _marked(knee: Knee) -> tuple[tuple[int, str], ...]:
    return ((knee.low, "held"),) if knee.low else ()


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Stacks that give up below the limit: by being late, by answering too little, and by errors."""
    limit, took = criteria["capacity"], criteria["p95"]
    quick, slow = max(1, min(took.value, _STEP_US // 5) // 2), took.beyond()
    for name, broken in (
        ("answers too late", [slow] * _DUE),
        ("answers too little", [quick] * (_DUE * 8 // 10)),
        ("errors instead of answers", [quick] * (_DUE // 2)),
    ):
        yield Seeded(name, _planted(seen, limit, broken, quick), "capacity-too-low")


def _planted(seen: LoadSeen, limit: Limit, broken: Sequence[int], quick: int) -> LoadSeen:
    """Steps up to what is still too little for the limit; the first of them that must break it does not hold."""
    top = max(1, limit.value if limit.operator in {">", ">="} else limit.value // 2)
    rates = [max(1, top * number // _STEPS) for number in range(1, _STEPS)] + [top]
    moments: list[Moment] = []
    for number in range(_STEPS):
        times = broken if limit.value == 0 or number == _STEPS - 1 else [quick] * _DUE
        gap = _STEP_US // (_DUE + 1)
        moments += (Moment(number * _STEP_US + at * gap, took) for at, took in enumerate(times))
        moments += (Moment(number * _STEP_US + at * gap, None) for at in range(len(times), _DUE))
    stages = tuple(StageSeen(rate, n * _STEP_US, (n + 1) * _STEP_US) for n, rate in enumerate(rates))
    right = [one for one in moments if one.took_us is not None]
    wrong = tuple(one.began_us for one in moments if one.took_us is None)
    operation = OperationSeen(
        "seeded",
        tuple(one.took_us or 0 for one in right),
        {"http": len(wrong)} if wrong else {},
        began_us=tuple(one.began_us for one in right),
        failed_us=wrong,
    )
    return replace(sound(seen), operations=(operation,), stages=stages, users=0)
