"""Judges whether each piece of accepted work came to its good end. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.load.generator.outcomes import WORK
from certify_checks.load.model import Finishing, LoadSeen, OperationSeen
from certify_checks.load.rules.finished import nothing, polled
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.soundness import unusable

NAME = "unfinished"
_PLANTED = 1000
_CURE = "read the log of the service that works it off, and what it says of the piece itself"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass when no more pieces than allowed failed or were not finished in time."""
    if ruling := unusable(seen) or nothing(seen):
        return ruling
    operations = seen.finishing.operations
    finished = sorted(took for one in operations for took in one.answered)
    unfinished = sum(one.failures for one in operations)
    pieces, limit = len(finished) + unfinished, criteria[NAME]
    measured = [Measurement(NAME, unfinished, limit=limit, samples=pieces)]
    if finished:
        measured.append(Measurement("the longest took", finished[-1], "us", samples=len(finished)))
    summary = f"{len(finished):,} of {pieces:,} pieces of work came to a good end"
    outcome = Outcome.PASS if limit.holds(unfinished) else Outcome.FAIL
    findings = tuple(_findings(operations)) if outcome is Outcome.FAIL else ()
    return Ruling(outcome, summary, pieces, findings=findings, measurements=(*measured, *polled(seen.finishing)))


def _findings(operations: Iterable[OperationSeen]) -> Iterable[Finding]:
    for operation in operations:
        for outcome, count in sorted(operation.failed.items(), key=lambda pair: -pair[1]):
            said = f"; the first said: {operation.examples[outcome]}" if outcome in operation.examples else ""
            message = f"{operation.name}: {count:,} times {WORK.get(outcome, outcome)}{said}"
            place = Location(service="gateway", coordinate=operation.name)
            yield Finding(f"work-{outcome}", message, Severity.HIGH, place, _CURE, context=operation.name)


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Of each way not to be finished, just so many pieces as are one too many."""
    many = max(1, criteria[NAME].beyond())
    name = seen.finishing.operations[0].name if seen.finishing.operations else "operation"
    for outcome in WORK:
        work = Finishing((spread(name, (1000,) * _PLANTED, {outcome: many}),))
        planted = replace(sound(seen), operations=(spread(name, (1000,) * _PLANTED),), finishing=work)
        yield Seeded(f"{many} {outcome}", planted, f"work-{outcome}")
