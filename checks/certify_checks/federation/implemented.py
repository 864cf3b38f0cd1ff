"""Judges whether every query and mutation does what its schema promises."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.model import Call, FederationSeen

# How a field may not answer -> what is wrong then, and what would help.
_WRONG = {
    "stub": ("says that it is not implemented", "implement it, or take it out of the schema"),
    "failed": ("breaks", "find the cause in the service's log"),
    "constant": ("gives the same whatever it is asked for", "look up what was asked for"),
    "forgotten": ("makes something that cannot be asked for afterwards", "keep what is made"),
    "null-where-data": ("gives null for what exists", "give what exists"),
    "empty-where-data": ("gives an empty list, and such things exist", "give what exists"),
}
_UNEXERCISED = frozenset({"refused", "unfilled", "not-disposable", "null", "empty"})
_SHOWN = 12


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Count fields that are stubs or broken; too many that could not be called properly make it inconclusive."""
    if not seen.calls:
        told, cure = (
            "no field was called: there is no composed schema, or no gateway",
            "mend what federation.composes says",
        )
        return Ruling.inconclusive("nothing-called", told, cure=cure)
    calls = tuple(call for call in seen.calls if not call.subgraph or criteria.covers(call.subgraph))
    findings = tuple(_finding(call) for call in calls if call.how in _WRONG)
    idle = [call for call in calls if call.how in _UNEXERCISED]
    limits = criteria["unresolved"], criteria["unexercised"]
    measured = (
        Measurement("unresolved", len(findings), limit=limits[0]),
        Measurement("unexercised", len(idle), limit=limits[1]),
    )
    answered = sum(call.how == "answered" for call in calls)
    if not limits[0].holds(len(findings)):
        told = f"{len(findings)} of {len(calls)} queries and mutations are not implemented"
        return Ruling(Outcome.FAIL, told, len(calls), findings=findings, measurements=measured)
    if not answered:
        told = f"none of {len(calls)} queries and mutations was answered; {_list(idle)}"
        return Ruling.inconclusive("nothing-exercised", told, cure="give the stack data, and users who may read it")
    if not limits[1].holds(len(idle)):
        told = f"{len(idle)} of {len(calls)} queries and mutations could not be called properly: {_list(idle)}"
        cure = "give `values` for their arguments in the profile, or the stack some data"
        return Ruling.inconclusive("fields-unexercised", told, cure=cure, examined=answered)
    told = f"{answered} of {len(calls)} queries and mutations answer" + (
        f"; not called properly: {_list(idle)}" if idle else ""
    )
    return Ruling(Outcome.PASS, told, answered, findings=findings, measurements=measured)


def _list(calls: list[Call]) -> str:
    shown = "; ".join(
        f"{call.field} ({call.how}{': ' if call.detail else ''}{call.detail[:120]})" for call in calls[:_SHOWN]
    )
    return shown + (f" and {len(calls) - _SHOWN} more" if len(calls) > _SHOWN else "")


def _finding(call: Call) -> Finding:
    says, cure = _WRONG[call.how]
    told = f"{call.field} {says}" + (f": {call.detail[:500]}" if call.detail else "")
    place = Location(service=call.subgraph, coordinate=call.field)
    return Finding(f"field-{call.how}", told, Severity.HIGH, place, cure, context=call.field)


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """Each kind of stub in place of what really answered."""
    service = criteria.services[0] if criteria.services else ""
    real = next((call for call in seen.calls if not call.subgraph or criteria.covers(call.subgraph)), None)
    call = real or Call("Query.certifySeeded", "answered", subgraph=service)
    count = max(1, criteria["unresolved"].beyond())
    others = tuple(other for other in seen.calls if other is not real)
    for how in _WRONG:
        bad = (replace(call, how=how, detail="planted"),) * count
        yield Seeded(f"field-{how}", replace(seen, calls=(*bad, *others)), f"field-{how}")
