"""Judges the 95th percentile of response times by a distribution-free confidence interval. Pure."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.load.dependence import FEWEST, design_effect, drift, last_third
from certify_checks.load.model import LoadSeen
from certify_checks.load.outcomes import HTTP
from certify_checks.load.planting import sound, spread
from certify_checks.load.soundness import P50, P95, noisy, unsound, unusable
from certify_checks.load.statistics import percentile, percentile_ranks

# Both ends: at most one verdict in a hundred is wrong for a true percentile on either side of the limit.
CONFIDENCE = 0.98
# A factor from the limit.
_NEAR = 4
_PLANTED = 2000
_CURE = "profile the slowest operations below; the log and traces of the services they reach say where the time goes"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass or fail only when both ends of the interval agree; a request without a right answer counts as timed out."""
    limit = criteria["p95"]
    if ruling := unusable(seen) or unsound(seen, limit):
        return ruling
    times = _times(seen)
    if len(times) < FEWEST:
        summary = f"{len(times)} requests are too few for an interval of the 95th percentile: {FEWEST} are needed"
        return _too_few(summary, len(times))
    reading, grown = Reading.of(times, limit), _grown(times)
    if reading.interval is None:
        summary = f"slow requests came together: {len(times)} are worth {reading.worth} independent ones, too few"
        return _drifting(f"{summary}; {grown}", len(times)) if grown else _too_few(summary, len(times))
    ruling = _decided(seen, limit, reading)
    if ruling.outcome is not Outcome.PASS or not grown:
        return ruling
    last = Reading.of(times[last_third(len(times)) :], limit)
    if last.interval and limit.decide(*last.interval) is Outcome.PASS:
        return replace(ruling, summary=f"{ruling.summary}; {grown}")
    return replace(_drifting(f"{ruling.summary}; {grown}", ruling.examined), measurements=ruling.measurements)


def _too_few(summary: str, examined: int) -> Ruling:
    return Ruling.inconclusive("too-few-samples", summary, cure="lengthen `hold`, or add users", examined=examined)


def _drifting(summary: str, examined: int) -> Ruling:
    """What grew slower is not what it will be: passing on the whole says nothing of the end."""
    cure = "lengthen `hold` until it is steady, and look at what grows: tables, queues, memory"
    return Ruling.inconclusive("p95-drifts", summary, cure=cure, examined=examined)


def _grown(times: Sequence[int]) -> str:
    """What grew between the first third and the last, beyond chance; empty when nothing did."""
    ordered = sorted(times)
    for name, share in (("p95", P95), ("median", P50)):
        level = percentile(ordered, share)
        if drift([time > level for time in times]):
            thirds = (times[: len(times) // 3], times[last_third(len(times)) :])
            first, last = (format_quantity(percentile(sorted(third), share), "us") for third in thirds)
            return f"the {name} rose meanwhile, from {first} to {last}"
    return ""


class Reading(msgspec.Struct, frozen=True):
    """The 95th percentile of some requests, in microseconds, and the interval in which the true one lies.

    Attributes:
        interval: None when they are worth too few.
        worth: as how many independent requests they count; see `certify_checks.load.dependence`.
    """

    value: int
    interval: tuple[int, int] | None
    worth: int

    @staticmethod
    def of(times: Sequence[int], limit: Limit) -> "Reading":
        """Out of response times in the order in which the requests began, not none."""
        ordered = sorted(times)
        value = percentile(ordered, P95)
        # Seen at the percentile itself, but not far from the limit: how requests depend that are nowhere near it cannot matter.
        level = min(max(value, limit.value // _NEAR), limit.value * _NEAR)
        effect = design_effect([time > level for time in times])
        ranks = percentile_ranks(P95, len(times), CONFIDENCE, effect)
        interval = (ordered[ranks[0] - 1], ordered[ranks[1] - 1]) if ranks else None
        return Reading(value, interval, int(len(times) / effect))


def _decided(seen: LoadSeen, limit: Limit, reading: Reading) -> Ruling:
    ends = reading.interval or (0, 0)
    outcome = limit.decide(*ends)
    low, high = (format_quantity(end, "us") for end in ends)
    value = format_quantity(reading.value, "us")
    summary = f"p95 {value} [{low}, {high}] over {seen.requests:,} requests of {seen.users} users, limit {limit}"
    measured = Measurement("p95", reading.value, "us", limit, ends, seen.requests)
    worth = Measurement("independent requests that these are worth", reading.worth, "")
    measurements = (measured, worth, *_apart(seen))
    if outcome is not Outcome.PASS and (excused := noisy(seen)):
        return replace(excused, summary=f"{summary}; {excused.summary}", measurements=measurements)
    if outcome is Outcome.INCONCLUSIVE:
        cure = "lengthen `hold` for a narrower interval, or make the stack faster: it stands at the limit"
        told = Ruling.inconclusive("interval-straddles", summary, cure=cure, examined=seen.requests)
        return replace(told, measurements=measurements)
    findings = tuple(_findings(seen, summary)) if outcome is Outcome.FAIL else ()
    return Ruling(outcome, summary, seen.requests, findings=findings, measurements=measurements)


def _times(seen: LoadSeen) -> list[int]:
    """All response times in the order of the requests; what had no right answer counts as if it had taken the time-out."""
    timeline = seen.timeline()
    longest = max(seen.timeout_us, *(took for took in timeline if took is not None), 0)
    return [longest if took is None else took for took in timeline]


def _apart(seen: LoadSeen) -> Iterable[Measurement]:
    """Percentile of each operation, slowest first, then the instrument's own error: for people, without limits."""
    timed = [(percentile(sorted(op.answered), P95), op) for op in seen.operations if op.answered]
    for value, operation in sorted(timed, key=lambda pair: -pair[0]):
        yield Measurement(f"p95 of {operation.name}", value, "us", samples=len(operation.answered))
    if seen.calibration.overheads_us:
        error = percentile(seen.calibration.overheads_us, P95)
        yield Measurement("instrument error at p95", error, "us", samples=len(seen.calibration.overheads_us))
    if seen.generator.foreign_ppm >= 0:
        yield Measurement("CPU used by other programs", seen.generator.foreign_ppm, "ppm")
    yield Measurement("generator CPU", seen.generator.cpu_ppm, "ppm")
    yield Measurement("generator timer lag at p95", seen.generator.lag_p95_us, "us")


def _findings(seen: LoadSeen, summary: str) -> Iterable[Finding]:
    slowest = "; ".join(str(part) for part in _slowest(seen)) or "no operation gave a right answer"
    failed = f"; {seen.failures} requests without a right answer count as timed out" if seen.failures else ""
    place = Location(service="gateway")
    yield Finding("p95-over-limit", f"{summary}. Slowest: {slowest}{failed}", location=place, cure=_CURE, context="p95")


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
