"""Judges whether the subgraphs compose."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.model import Complaint, Composed, Composition, FederationSeen, Fetched, Subgraph
from certify_checks.federation.runtime import CURE

_NO_ANSWER = frozenset({Composed.TIMEOUT, Composed.MEMORY, Composed.CRASHED})
_NO_TOOL = frozenset({Composed.NO_RUNTIME, Composed.NO_ENGINE})
_FETCH_CURES = {
    Fetched.UNREACHABLE: ("subgraph-unreachable", "start the service, or mend its address in the profile"),
    Fetched.REFUSED: ("introspection-refused", "let a token of the stack read `{ _service { sdl } }`"),
}
_CURES = {
    "SECOND_ENGINE_FAILED": "install `@apollo/composition` and `graphql` in the folder of `second_engine`",
    "ENGINES_DISAGREE": "write it so that both accept it: gateways use either",
    "invalid-sdl": "mend the syntax or the unknown name in this subgraph",
    "FIELD_TYPE_MISMATCH": "give the field one type in all subgraphs",
    "INVALID_FIELD_SHARING": "resolve the field in one subgraph only, or mark it @shareable in each",
    "KEY_INVALID_FIELDS": "name only fields of the type in @key",
}


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Count what keeps the subgraphs from composing; an engine that gave no answer counts as one error."""
    return replace(_judged(seen, criteria), networks=(seen.network,) if seen.network else ())


def _judged(seen: FederationSeen, criteria: Criteria) -> Ruling:
    composition, limit = seen.composition, criteria["errors"]
    if not seen.subgraphs:
        cure = "declare `graphql:` for the services that are subgraphs"
        return Ruling.inconclusive("no-subgraphs", "the stack has no service with GraphQL", cure=cure)
    findings = (*_not_fetched(seen.subgraphs), *_drifted(seen.subgraphs), *_of_engine(composition))
    if composition.state in _NO_TOOL:
        return Ruling.inconclusive(composition.state.value, composition.detail, cure=CURE, examined=0)
    measured = Measurement("errors", len(findings), limit=limit)
    total = len(seen.subgraphs)
    if findings and (not limit.holds(len(findings)) or composition.state in _NO_ANSWER):
        summary = f"{len(findings)} error(s) keep {total} subgraphs from composing"
        return Ruling(Outcome.FAIL, summary, total, findings=findings, measurements=(measured,))
    if blind := _blind(seen):
        return Ruling.inconclusive("sensor-blind", blind, cure="reinstall certify: its composition engine is unsound")
    if not limit.holds(len(findings)):
        return Ruling(Outcome.FAIL, f"{len(findings)} errors is not {limit}", total, measurements=(measured,))
    summary = f"{total} subgraphs compose ({composition.engine}, {len(seen.decoys)} planted defects refused)"
    return Ruling(Outcome.PASS, summary, total, findings=findings, measurements=(measured,))


def _not_fetched(subgraphs: tuple[Subgraph, ...]) -> Iterable[Finding]:
    for subgraph in subgraphs:
        if subgraph.state is not Fetched.OK:
            code, cure = _FETCH_CURES.get(subgraph.state, _FETCH_CURES[Fetched.REFUSED])
            place = Location(service=subgraph.name)
            yield Finding(code, f"{subgraph.name}: {subgraph.detail}", Severity.HIGH, place, cure, context=code)


def _drifted(subgraphs: tuple[Subgraph, ...]) -> Iterable[Finding]:
    for subgraph in subgraphs:
        if subgraph.drift:
            more = f" and {len(subgraph.drift) - 5} more" if len(subgraph.drift) > 5 else ""
            told = f"the running {subgraph.name} is not what its file says: {', '.join(subgraph.drift[:5])}{more}"
            place = Location(service=subgraph.name, coordinate=subgraph.drift[0])
            cure = "deploy what the file says, or write the file anew"
            yield Finding("sdl-drift", told, Severity.HIGH, place, cure, context=",".join(subgraph.drift))


def _of_engine(composition: Composition) -> Iterable[Finding]:
    if composition.state in _NO_ANSWER:
        cure = "compose the kept request.json by hand; raise `engine_time` if the schemas are very large"
        yield Finding(composition.state.value, composition.detail, Severity.HIGH, cure=cure, context="engine")
    for complaint in composition.complaints:
        yield finding(complaint)


def finding(complaint: Complaint) -> Finding:
    """A complaint of the engine or of our own rules, with its cure."""
    invalid = complaint.code == "INVALID_GRAPHQL" and complaint.subgraph
    code = "invalid-sdl" if invalid else complaint.code
    place = Location(complaint.file, complaint.line, complaint.column, complaint.subgraph, complaint.coordinate)
    cure = _CURES.get(code, "mend the subgraph's schema as the message says")
    told = f"{complaint.message[:1000]} [{complaint.by}]" if complaint.by else complaint.message[:1000]
    return Finding(code, told, Severity.HIGH, place, cure, context=complaint.message)


def _blind(seen: FederationSeen) -> str:
    """Why a clean answer cannot be believed; empty when it can."""
    if seen.composition.state is Composed.SKIPPED:
        return "the subgraphs were not composed"
    if seen.composition.state is Composed.COMPOSED and not seen.composition.public_size:
        return "the engine gave an empty public schema"
    if not seen.decoys:
        return "no planted defect went through the engine"
    missed = [decoy.name for decoy in seen.decoys if not decoy.noticed]
    return f"the engine accepted a planted defect: {', '.join(missed)}" if missed else ""


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """An engine that complains, one that hangs, crashes or runs out of memory, and subgraphs that are not there."""
    count = max(1, criteria["errors"].beyond())
    first = seen.subgraphs[0] if seen.subgraphs else Subgraph("seeded")
    base = replace(seen, subgraphs=seen.subgraphs or (first,))

    def composed(state: Composed, code: str = "") -> FederationSeen:
        complaint = Complaint(
            code, f'Type of field "Query.seeded" ({code})', first.name, "Query.seeded", first.file, 1, 1
        )
        return replace(base, composition=Composition(state, (complaint,) * count if code else (), detail="seeded"))

    yield Seeded("conflicting field", composed(Composed.REFUSED, "FIELD_TYPE_MISMATCH"), "FIELD_TYPE_MISMATCH")
    yield Seeded("invalid SDL", composed(Composed.REFUSED, "INVALID_GRAPHQL"), "invalid-sdl")
    for state in sorted(_NO_ANSWER):
        yield Seeded(state.value, composed(state), state.value)
    for fetched, (code, _) in _FETCH_CURES.items():
        lost = tuple(replace(first, state=fetched, detail="seeded") for _ in range(count))
        composition = Composition(Composed.SKIPPED, detail="seeded")
        yield Seeded(code, replace(base, subgraphs=(*lost, *base.subgraphs[1:]), composition=composition), code)
