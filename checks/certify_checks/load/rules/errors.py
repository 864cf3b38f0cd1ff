"""Judges the share of requests without a right answer by exact binomial bounds. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.load.generator.outcomes import FAILED
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.schedule import missing
from certify_checks.load.rules.soundness import unusable
from certify_checks.load.statistics.dependence import design_effect
from certify_checks.load.statistics.intervals import MILLION, lower_share, upper_share
from certify_checks.load.statistics.sequential import shared

CONFIDENCE = 0.95
_PLANTED = 10_000
_MOST = 50_000_000
_CURES = {
    "throttled": "raise the rate limit for the load's users, or lower the load",
    "connection": "see whether the service restarts, and whether its listen queue and file handles suffice",
}


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass when the upper bound is within the limit, fail when the lower bound is not."""
    if ruling := unusable(seen) or missing(seen):
        return ruling
    limit, failures, requests = criteria["share"], seen.failures, seen.requests
    effect = design_effect([took is None for took in seen.timeline()])
    confidence = shared(CONFIDENCE, seen.looks)
    low, high = (bound(failures, requests, confidence, effect) for bound in (lower_share, upper_share))
    measured = Measurement("share", round(MILLION * failures / requests), "ppm", limit, (low, high), requests)
    summary = f"{failures:,} of {requests:,} requests without a right answer, limit {limit}"
    outcome = limit.decide(low, high)
    findings = tuple(_findings(seen))
    if outcome is Outcome.INCONCLUSIVE:
        told = _undecided(limit, measured, failures, summary)
        return replace(told, findings=findings, measurements=(measured,))
    return Ruling(outcome, summary, requests, findings=findings, measurements=(measured,))


def _undecided(limit: Limit, measured: Measurement, failures: int, summary: str) -> Ruling:
    """Too few samples when more of the same would pass; a straddling interval when the share itself is too high."""
    requests = measured.samples or 0
    if not limit.holds(measured.value):
        cure = "lengthen `hold` for a narrower interval; the share that was seen is not within the limit"
        return Ruling.inconclusive("interval-straddles", summary, cure=cure, examined=requests)
    wanted = needed(limit, failures)
    cure = "a share of nothing cannot be shown by any number of requests: write a limit such as '< 0.1 %'"
    if wanted:
        cure = f"lengthen `hold`: about {wanted:,} requests without a further error decide, this run had {requests:,}"
    return Ruling.inconclusive("too-few-samples", summary, cure=cure, examined=requests)


def needed(limit: Limit, failures: int) -> int:
    """Requests from which on `failures` failures pass; 0 when no number suffices."""
    low, high = failures, max(1, failures) * 2
    while not _passes(limit, failures, high):
        low, high = high, high * 2
        if high > _MOST:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _passes(limit, failures, middle) else (middle, high)
    return high


def _passes(limit: Limit, failures: int, requests: int) -> bool:
    return limit.decide(lower_share(failures, requests), upper_share(failures, requests)) is Outcome.PASS


def _findings(seen: LoadSeen) -> Iterable[Finding]:
    for operation in seen.operations:
        for outcome, count in sorted(operation.failed.items(), key=lambda pair: -pair[1]):
            meaning = FAILED.get(outcome, outcome)
            said = f"; the first said: {operation.examples[outcome]}" if outcome in operation.examples else ""
            place = Location(service="gateway", coordinate=operation.name)
            cure = _CURES.get(outcome, "read the log of the services that this operation reaches")
            message = f"{operation.name}: {count:,} times {meaning}{said}"
            yield Finding(outcome, message, Severity.HIGH, place, cure, context=outcome)


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """For each class of outcome just so many failures that they must count."""
    limit = criteria["share"]
    count = 1
    while count < _PLANTED and _decide(limit, count) is not Outcome.FAIL:
        count *= 2
    for outcome in FAILED:
        operation = spread("seeded", (1000,) * (_PLANTED - count), {outcome: count})
        yield Seeded(f"{count} of {_PLANTED}: {outcome}", replace(sound(seen), operations=(operation,)), outcome)


def _decide(limit: Limit, failures: int) -> Outcome:
    return limit.decide(lower_share(failures, _PLANTED), upper_share(failures, _PLANTED))
