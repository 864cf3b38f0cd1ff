"""Judges the 95th percentile of response times by a distribution-free confidence interval. Pure."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.load.generator.outcomes import HTTP
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules import places
from certify_checks.load.rules.curves import curves
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.schedule import crowd, exhausted, measurements, missing, varied
from certify_checks.load.rules.soundness import P95, noisy, unsound, unusable
from certify_checks.load.statistics.dependence import FEWEST, last_third
from certify_checks.load.statistics.intervals import percentile
from certify_checks.load.statistics.percentiles import Reading, grown

_PLANTED = 2000
_LONGER = "lengthen `hold`, or add users"
_NARROWER = "lengthen `hold` for a narrower interval, or make the stack faster: it stands at the limit"
_STEADY = "lengthen `hold` until it is steady, and look at what grows: tables, queues, memory"
_CURE = "look at the slowest operations, and at the services in which their requests spend the time"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass or fail only when both ends of the interval agree; a request without a right answer counts as timed out."""
    limit = criteria["p95"]
    return unusable(seen) or missing(seen) or decided(seen, "p95", limit)


def decided(seen: LoadSeen, name: str, limit: Limit) -> Ruling:
    """What the percentile of all requests comes to, measured as `name` against `limit`."""
    if ruling := unsound(seen, limit):
        return ruling
    times = _times(seen, limit)
    if len(times) < FEWEST:
        summary = f"{len(times)} requests are too few for an interval of the 95th percentile: {FEWEST} are needed"
        return Ruling.inconclusive("too-few-samples", summary, cure=_LONGER, examined=len(times))
    # Where the rate itself changes, that response times do too is no drift.
    reading, rose = Reading.of(times, limit, seen.looks), "" if varied(seen) else grown(times)
    outcome, summary = reading.against(limit), _told(seen, limit, reading, rose)
    if outcome is not Outcome.PASS and (excused := noisy(seen) or exhausted(seen, limit)):
        ruling = replace(excused, summary=f"{summary}; {excused.summary}")
    elif outcome is Outcome.FAIL:
        ruling = Ruling(outcome, summary, seen.requests, findings=tuple(_findings(seen, summary, name)))
    elif outcome is Outcome.PASS and not (rose and _end_of(times, limit, seen.looks) is not Outcome.PASS):
        ruling = Ruling(outcome, summary, seen.requests)
    else:
        reason, cure = _why(reading, rose)
        ruling = Ruling.inconclusive(reason, summary, cure=cure, examined=seen.requests)
    measured = Measurement(name, reading.value, "us", limit, reading.interval, seen.requests)
    worth = Measurement("independent requests that these are worth", reading.worth)
    return replace(ruling, measurements=(measured, worth, *_apart(seen)), charts=curves(seen, limit))


def _told(seen: LoadSeen, limit: Limit, reading: Reading, rose: str) -> str:
    told = f"{reading} over {seen.requests:,} requests of {crowd(seen)}, limit {limit}"
    if reading.high is None:
        told += f"; slow requests came together, so they are worth only {reading.worth} independent ones"
    if seen.looks > 1:
        told += (
            f"; {format_quantity(seen.hold_us, 'us')} long, which is one of {seen.looks} lengths at which it could end"
        )
    return f"{told}; {rose}" if rose else told


def _end_of(times: Sequence[int], limit: Limit, looks: int) -> Outcome:
    """What the last third comes to alone: of what grew slower, it is what the next minutes will be like."""
    return Reading.of(times[last_third(len(times)) :], limit, looks).against(limit)


def _why(reading: Reading, rose: str) -> tuple[str, str]:
    """Reason and cure of a verdict that cannot be given."""
    if rose:
        return "p95-drifts", _STEADY
    return ("too-few-samples", _LONGER) if reading.high is None else ("interval-straddles", _NARROWER)


def _times(seen: LoadSeen, limit: Limit) -> list[int]:
    """All response times in the order of the requests; what had no right answer counts as if it had taken the time-out.

    And as beyond the limit, also where that is longer: no error is quick enough.
    """
    timeline = seen.timeline()
    beyond = 0 if limit.holds(1 << 62) else limit.value + 1
    longest = max(seen.timeout_us, beyond, *(took for took in timeline if took is not None), 0)
    return [longest if took is None else took for took in timeline]


def _apart(seen: LoadSeen) -> Iterable[Measurement]:
    """Percentile of each operation, slowest first, then the instrument's own error: for people, without limits."""
    timed = [(percentile(sorted(op.answered), P95), op) for op in seen.operations if op.answered]
    for value, operation in sorted(timed, key=lambda pair: -pair[0]):
        yield Measurement(f"p95 of {operation.name}", value, "us", samples=len(operation.answered))
    yield from measurements(seen)
    yield from places.measured(seen)
    if seen.calibration.overheads_us:
        error = percentile(seen.calibration.overheads_us, P95)
        yield Measurement("instrument error at p95", error, "us", samples=len(seen.calibration.overheads_us))
    if seen.generator.foreign_ppm >= 0:
        yield Measurement("CPU used by other programs", seen.generator.foreign_ppm, "ppm")
    yield Measurement("generator CPU", seen.generator.cpu_ppm, "ppm")
    yield Measurement("generator timer lag at p95", seen.generator.lag_p95_us, "us")


def _findings(seen: LoadSeen, summary: str, name: str) -> Iterable[Finding]:
    slowest = "; ".join(str(part) for part in _slowest(seen)) or "no operation gave a right answer"
    failed = f"; {seen.failures} requests without a right answer count as timed out" if seen.failures else ""
    went = f". {told}" if (told := places.told(seen)) else ""
    place = Location(service="gateway")
    message = f"{summary}. Slowest: {slowest}{failed}{went}"
    yield Finding(f"{name}-over-limit", message, location=place, cure=_CURE, context=name)


def _slowest(seen: LoadSeen) -> list[str]:
    shown = [part for part in _apart(seen) if part.name.startswith("p95 of ")][:3]
    return [f"{part.name} {format_quantity(part.value, part.unit)}" for part in shown]


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Everything too slow, a slow tenth, and fast errors that a mean would hide; all by a sound instrument."""
    limit = criteria["p95"]
    slow, fast = limit.beyond(), max(1, limit.value // 2)
    if limit.holds(slow):  # a limit that asks for slowness: plant what it does not want
        slow, fast = limit.value // 2, limit.beyond()

    def planted(answered: list[int], failed: dict[str, int]) -> LoadSeen:
        timeout_us = max(seen.timeout_us, 10 * limit.value)
        return replace(sound(seen), operations=(spread("seeded", answered, failed),), timeout_us=timeout_us)

    yield Seeded("all requests over the limit", planted([slow] * _PLANTED, {}), "p95-over-limit")
    tenth = [fast] * (_PLANTED * 9 // 10) + [slow] * (_PLANTED // 10)
    yield Seeded("a tenth over the limit", planted(tenth, {}), "p95-over-limit")
    yield Seeded("fast errors", planted([fast] * (_PLANTED * 9 // 10), {HTTP: _PLANTED // 10}), "p95-over-limit")
