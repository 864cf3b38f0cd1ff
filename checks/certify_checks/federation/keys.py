"""Judges whether federation directives are right, and whether every key of every entity resolves."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.composes import finding
from certify_checks.federation.model import Answered, Complaint, Composed, FederationSeen, Fetched, Resolved, Subgraph

_DIRECTIVES = (
    *(
        "KEY_",
        "EXTERNAL_",
        "REQUIRES_",
        "PROVIDES_",
        "OVERRIDE_",
        "INTERFACE_OBJECT_",
        "INTERFACE_KEY_",
        "INVALID_LINK",
    ),
    *("INVALID_SHAREABLE", "INVALID_FIELD_SHARING", "MERGED_DIRECTIVE", "UNKNOWN_FEDERATION", "UNSUPPORTED_LINKED"),
    *("SATISFIABILITY_ERROR", "CONTEXT_", "LINK_IMPORT"),
)
# How an id that exists may not be answered -> what is wrong then.
_KNOWN = {
    "null": ("entity-null", "gives null for an id that exists"),
    "refused": ("entity-refused", "refuses an id that exists"),
    "crashed": ("entity-crashed", "breaks on an id that exists"),
    "wrong-type": ("entity-of-wrong-type", "gives an entity of another type"),
    "wrong-entity": ("entity-of-wrong-key", "gives another entity than the one asked for"),
}
_UNKNOWN = {
    "crashed": ("unknown-entity-crashes", "breaks on an id that nobody has, in place of null"),
    "invented": ("unknown-entity-invented", "gives data for an id that nobody has"),
}
_CURES = "mend the reference resolver of {}"


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Count wrong directives and keys that do not resolve; keys that could not be tried make it inconclusive."""
    if not seen.subgraphs:
        cure = "declare `graphql:` for the services that are subgraphs"
        return Ruling.inconclusive("no-subgraphs", "the stack has no service with GraphQL", cure=cure)
    resolved = tuple(one for one in seen.resolved if criteria.covers(one.subgraph))
    wrong = (c for c in seen.composition.complaints if c.code.startswith(_DIRECTIVES) and criteria.covers(c.subgraph))
    findings = (*(finding(complaint) for complaint in wrong), *_unresolved(resolved))
    untried = [f"{one.type} in {one.subgraph}" for one in resolved if not one.known]
    limit = criteria["errors"]
    measured = (
        Measurement("errors", len(findings), limit=limit),
        Measurement("untried", len(untried), limit=criteria["untried"]),
    )
    tried = len(resolved) - len(untried)
    if not limit.holds(len(findings)):
        told = f"{len(findings)} wrong directives or keys; {tried} of {len(resolved)} keys were tried"
        return Ruling(Outcome.FAIL, told, tried, findings=findings, measurements=measured)
    if not resolved and seen.composition.state is Composed.COMPOSED and seen.gateway.state is Fetched.OK:
        return Ruling.not_applicable("no-entities", "no subgraph that the control is about has an entity with a key")
    if not tried:
        told = "no key could be tried: nothing is composed, there is no gateway, or no entity was found in the stack"
        return Ruling.inconclusive(
            "nothing-to-resolve", told, cure="give the stack some data, and a user who may read it"
        )
    if not criteria["untried"].holds(len(untried)):
        told = f"no data to try {len(untried)} of {len(resolved)} keys with: {', '.join(untried[:10])}"
        return Ruling.inconclusive("keys-untried", told, cure="give the stack some of each entity", examined=tried)
    told = f"{tried} keys of {len(seen.subgraphs)} subgraphs resolve, and give nothing for ids that nobody has"
    return Ruling(Outcome.PASS, told, tried, findings=findings, measurements=measured)


def _unresolved(resolved: Iterable[Resolved]) -> Iterator[Finding]:
    for one in resolved:
        answers = [(_KNOWN, answer) for answer in one.known] + [(_UNKNOWN, one.unknown)]
        told: set[str] = set()
        for wrong, answer in answers:
            code, says = wrong.get(answer.how, ("", ""))
            if code and code not in told:
                told.add(code)
                message = f'{one.subgraph}: {one.type} by @key(fields: "{one.key}") {says}'
                detail = f": {answer.detail}" if answer.detail else ""
                place = Location(service=one.subgraph, coordinate=one.type)
                cure = _CURES.format(f"{one.type} in {one.subgraph}")
                yield Finding(code, message + detail[:500], Severity.HIGH, place, cure, context=one.key)


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """A directive that is wrong, and entity resolvers with each of their defects."""
    count = max(1, criteria["errors"].beyond())
    service = criteria.services[0] if criteria.services else "seeded"
    real = next((one for one in seen.resolved if criteria.covers(one.subgraph)), Resolved(service, "Seeded", "id"))
    base = seen if seen.subgraphs else replace(seen, subgraphs=(Subgraph(service),))
    wrong = tuple(Complaint("KEY_INVALID_FIELDS", f"planted {n}", real.subgraph, real.type) for n in range(count))
    yield Seeded(
        "key of a missing field",
        replace(base, composition=replace(base.composition, complaints=wrong)),
        "KEY_INVALID_FIELDS",
    )
    for how, (code, _) in _KNOWN.items():
        bad = replace(real, known=(Answered(how),), unknown=Answered("null"))
        yield Seeded(code, replace(base, resolved=(bad,) * count), code)
    for how, (code, _) in _UNKNOWN.items():
        bad = replace(real, known=(Answered("resolved"),), unknown=Answered(how))
        yield Seeded(code, replace(base, resolved=(bad,) * count), code)
