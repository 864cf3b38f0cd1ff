"""Judges the 95th percentile of response times by a distribution-free confidence interval. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.load.model import Calibration, Generator, LoadSeen, OperationSeen
from certify_checks.load.outcomes import HTTP
from certify_checks.load.soundness import CALIBRATED, P95, noisy, unsound, unusable
from certify_checks.load.statistics import percentile, percentile_ranks

_PLANTED = 2000
_CURE = "profile the slowest operations below; the log and traces of the services they reach say where the time goes"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass or fail only when both ends of the interval agree; a request without a right answer counts as timed out."""
    limit = criteria["p95"]
    if ruling := unusable(seen) or unsound(seen, limit):
        return ruling
    times = _times(seen)
    ranks = percentile_ranks(P95, len(times))
    if ranks is None:
        summary = f"{len(times)} requests are too few for an interval of the 95th percentile"
        return Ruling.inconclusive(
            "too-few-samples", summary, cure="lengthen `hold`, or add users", examined=len(times)
        )
    low, high = (times[rank - 1] for rank in ranks)
    measured = Measurement("p95", percentile(times, P95), "us", limit, (low, high), len(times))
    return _decided(seen, limit, measured, limit.decide(low, high))


def _decided(seen: LoadSeen, limit: Limit, measured: Measurement, outcome: Outcome) -> Ruling:
    low, high = (format_quantity(end, "us") for end in measured.interval or (0, 0))
    value = format_quantity(measured.value, "us")
    summary = f"p95 {value} [{low}, {high}] over {seen.requests:,} requests of {seen.users} users, limit {limit}"
    measurements = (measured, *_apart(seen))
    if outcome is not Outcome.PASS and (excused := noisy(seen)):
        return replace(excused, summary=f"{summary}; {excused.summary}", measurements=measurements)
    if outcome is Outcome.INCONCLUSIVE:
        cure = "lengthen `hold` for a narrower interval, or make the stack faster: it stands at the limit"
        told = Ruling.inconclusive("interval-straddles", summary, cure=cure, examined=seen.requests)
        return replace(told, measurements=measurements)
    findings = tuple(_findings(seen, summary)) if outcome is Outcome.FAIL else ()
    return Ruling(outcome, summary, seen.requests, findings=findings, measurements=measurements)


def _times(seen: LoadSeen) -> list[int]:
    """All response times, ascending; what had no right answer counts as if it had taken the time-out."""
    answered = [time for operation in seen.operations for time in operation.answered]
    return sorted([*answered, *[max(seen.timeout_us, *answered, 0)] * seen.failures])


def _apart(seen: LoadSeen) -> Iterable[Measurement]:
    """Percentile of each operation, slowest first, then the instrument's own error: for people, without limits."""
    timed = [(percentile(op.answered, P95), op) for op in seen.operations if op.answered]
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
        operation = OperationSeen("seeded", tuple(sorted(answered)), failed)
        timeout_us = max(seen.timeout_us, 10 * limit.value)
        return replace(sound(seen), operations=(operation,), timeout_us=timeout_us)

    yield Seeded("all requests over the limit", planted([slow] * _PLANTED, {}), "p95-over-limit")
    tenth = [fast] * (_PLANTED * 9 // 10) + [slow] * (_PLANTED // 10)
    yield Seeded("a tenth over the limit", planted(tenth, {}), "p95-over-limit")
    yield Seeded("fast errors", planted([fast] * (_PLANTED * 9 // 10), {HTTP: _PLANTED // 10}), "p95-over-limit")


def sound(seen: LoadSeen) -> LoadSeen:
    """`seen` with an instrument beyond doubt and all its users, so that a self-test decides on what it planted."""
    users = max(1, seen.users)
    calibration = Calibration((0,) * (2 * CALIBRATED), seen.calibration.delay_us)
    generator = Generator(users=users, version=seen.generator.version)
    return replace(seen, users=users, calibration=calibration, generator=generator, unusable="", detail="")
