"""Judges whether clients, or other subgraphs, break by what changed since the baseline."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.changes import Change, Level, compare
from certify_checks.federation.elements import Element, Elements
from certify_checks.federation.model import Baseline, FederationSeen, Graph, Usage

_CURE = "keep it, and deprecate it with the date on which it goes"
_CURES = {
    Level.BREAKING: _CURE,
    Level.DANGEROUS: "make sure that those who use it are ready for it",
}
_SEVERITIES = {Level.BREAKING: Severity.MEDIUM, Level.DANGEROUS: Severity.LOW}
_NO_SCHEMA = "mend what federation.composes says, and run again"


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Count the breaking changes; those of what no recorded operation uses count too, unless a limit lets them pass."""
    if unusable := _unusable(seen):
        return unusable
    changes = compare(seen.baseline.graph, seen.graph, seen.today)
    findings = tuple(_findings(changes, seen.usage))
    used, unused = (
        sum(f.code.startswith(f"{kind}:") for f in findings) for kind in ("breaking-used", "breaking-unused")
    )
    counted = {"breaking": used, "breaking-unused": unused}
    measured = tuple(Measurement(name, value, limit=criteria[name]) for name, value in counted.items())
    rest = {level: sum(change.level is level for change in changes) for level in (Level.DANGEROUS, Level.SAFE)}
    summary = (
        f"{used + unused} breaking ({_told(seen.usage, used)}), {rest[Level.DANGEROUS]} dangerous and "
        f"{rest[Level.SAFE]} safe changes since {seen.baseline.origin}"
    )
    holds = all(criteria[name].holds(value) for name, value in counted.items())
    outcome = Outcome.PASS if holds else Outcome.FAIL
    examined = len({*seen.baseline.graph.elements, *seen.graph.elements})
    return Ruling(outcome, summary, examined, findings=findings, measurements=measured)


def _told(usage: Usage, used: int) -> str:
    return f"{used} of what {usage.operations} operations use" if usage.operations else "no operations are known"


def _unusable(seen: FederationSeen) -> Ruling | None:
    if seen.baseline.problem:
        told = f"{seen.baseline.origin} cannot be read: {seen.baseline.problem}"
        return Ruling.inconclusive("baseline-unreadable", told, cure="give the SDL of a public schema or a supergraph")
    if not seen.baseline.origin:
        return Ruling.not_applicable("first-certificate", "first certificate: there is no schema to compare with")
    if not seen.graph.elements:
        return Ruling.inconclusive("no-composed-schema", "there is no composed schema to compare", cure=_NO_SCHEMA)
    if seen.usage.problems:
        told = f"operations cannot be read: {'; '.join(seen.usage.problems)[:500]}"
        return Ruling.inconclusive("operations-unreadable", told, cure="mend them, or take them out of the folder")
    return None


def _findings(changes: Iterable[Change], usage: Usage) -> Iterator[Finding]:
    for change in changes:
        if change.level is Level.SAFE:
            continue
        callers = sorted({caller for coordinate in change.used_by for caller in usage.callers.get(coordinate, ())})
        code, told, severity = change.level.value, change.message, _SEVERITIES[change.level]
        if change.level is Level.BREAKING:
            # Where nothing is known of usage, everything may be used.
            used = bool(callers) or not usage.operations
            code = "breaking-used" if used else "breaking-unused"
            severity = Severity.CRITICAL if callers else Severity.HIGH if used else severity
        if callers:
            told += f" (used by {', '.join(callers)})"
        place = Location(coordinate=change.coordinate)
        yield Finding(f"{code}: {change.code}", told, severity, place, _CURES[change.level], context=change.message)


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """Breaking changes of each sort against the real schema, beside whatever has changed already."""
    count = max(1, criteria["breaking"].beyond())
    now: Elements = seen.graph.elements | {"Query": seen.graph.elements.get("Query", Element("object"))}

    def against(old: Elements, new: Elements) -> FederationSeen:
        baseline = Baseline("a planted schema", Graph(now | old))
        return replace(seen, baseline=baseline, graph=Graph(now | new), usage=Usage())

    def some(element: Element, *, inside: str = "Query.certify{}") -> Elements:
        return {inside.format(number): element for number in range(count)}

    field, given = Element("field", "String"), Element("argument", "ID")
    yield Seeded("field removed", against(some(field), {}), "breaking-used: field-removed")
    retyped = against(some(field), some(replace(field, type="Int")))
    yield Seeded("type changed", retyped, "breaking-used: type-changed")
    nullable = against(some(replace(field, type="String!")), some(field))
    yield Seeded("field made nullable", nullable, "breaking-used: type-changed")
    fields, argument = some(field), "Query.certify{}(id:)"
    required = some(replace(given, type="ID!"), inside=argument)
    made = against(fields | some(given, inside=argument), fields | required)
    yield Seeded("argument made required", made, "breaking-used: made-required")
    yield Seeded(
        "required argument added", against(fields, fields | required), "breaking-used: required-argument-added"
    )
    value = {"CertifySeeded": Element("enum")}
    enum = against(value | some(Element("value"), inside="CertifySeeded.V{}"), value)
    yield Seeded("enum value removed", enum, "breaking-used: value-removed")
    inputs = some(Element("input"), inside="CertifySeeded{}")
    one = {name: replace(element, facts=("oneOf",)) for name, element in inputs.items()}
    yield Seeded("oneOf added", against(inputs, one), "breaking-used: one-of-added")
