"""Judges whether the gateway serves exactly the composed public schema."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.model import Crossing, FederationSeen, Fetched, Served

_CURE = "restart or redeploy the gateway with the supergraph composed from the running subgraphs"
_GATEWAY = "gateway"


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Compare coordinate by coordinate; a gateway that does not answer is a difference too."""
    gateway, limit = seen.gateway, criteria["differences"]
    if gateway.state is Fetched.ABSENT:
        return Ruling.inconclusive(
            "no-gateway", "the stack declares no gateway", cure="declare `gateway:` in the profile"
        )
    findings = (
        *_silent(gateway),
        *_broken(seen.crossings),
        *differences(seen.public, gateway.coordinates if _read(gateway) else None),
    )
    measured = Measurement("differences", len(findings), limit=limit)
    examined = len(set(seen.public) | set(gateway.coordinates))
    if findings and not limit.holds(len(findings)):
        summary = f"{len(findings)} difference(s) between the gateway and the composed schema"
        return Ruling(Outcome.FAIL, summary, examined, findings=findings, measurements=(measured,))
    if unreadable := _undecidable(seen):
        return unreadable
    untried = [_way(crossing) for crossing in seen.crossings if crossing.how == "untried"]
    if not criteria["untried"].holds(len(untried)):
        told = f"{len(untried)} ways between subgraphs could not be tried: {', '.join(untried[:8])}"
        cure = "give the stack data that refer to each other, and a user who may read them"
        return Ruling.inconclusive("ways-untried", told, cure=cure, examined=examined)
    tried = len(seen.crossings) - len(untried)
    more = f", and {len(untried)} not: {', '.join(untried[:4])}" if untried else ""
    summary = f"the gateway serves the composed schema: {examined} coordinates compared, {tried} ways tried{more}"
    outcome = Outcome.PASS if limit.holds(len(findings)) else Outcome.FAIL
    return Ruling(outcome, summary, examined, findings=findings, measurements=(measured,))


def _read(gateway: Served) -> bool:
    return gateway.state is Fetched.OK


def _silent(gateway: Served) -> Iterable[Finding]:
    if not gateway.answers or gateway.state in {Fetched.UNREACHABLE, Fetched.INVALID}:
        code = "gateway-invalid" if gateway.state is Fetched.INVALID else "gateway-silent"
        message = f"the gateway gives no usable answer: {gateway.detail}"
        yield Finding(
            code, message, Severity.CRITICAL, Location(service=_GATEWAY), "start the gateway and read its log", code
        )


def _broken(crossings: Iterable[Crossing]) -> Iterable[Finding]:
    for crossing in crossings:
        if crossing.how == "failed":
            code, cure = (
                ("way-broken", _CURE) if crossing.to else ("subgraph-not-served", "see whether the service is up")
            )
            told = f"through the gateway, {_way(crossing)} fails: {crossing.detail[:500]}"
            place = Location(service=crossing.to or crossing.subgraph, coordinate=crossing.leaf or crossing.field)
            yield Finding(code, told, Severity.HIGH, place, cure, context=_way(crossing))


def _way(crossing: Crossing) -> str:
    if not crossing.to:
        return f"a query of {crossing.subgraph}"
    return f"{crossing.field} of {crossing.subgraph} to {crossing.leaf} of {crossing.to}"


def _undecidable(seen: FederationSeen) -> Ruling | None:
    if not seen.public:
        why = "there is no composed schema to compare with"
        return Ruling.inconclusive(
            "no-composed-schema", why, cure="mend what federation.composes reports, and run again"
        )
    if seen.gateway.state is Fetched.REFUSED:
        cure = "allow introspection for a token of this stack, at least while it is certified"
        return Ruling.inconclusive("introspection-refused", f"the gateway refused: {seen.gateway.detail}", cure=cure)
    return None


def differences(composed: Mapping[str, str], served: Mapping[str, str] | None) -> Iterable[Finding]:
    """Every coordinate that differs; members of a type or field that is itself missing are not told again."""
    if not composed or served is None:
        return
    for coordinate in sorted({*composed, *served}):
        ours, theirs = composed.get(coordinate), served.get(coordinate)
        parent = _parent(coordinate)
        if ours == theirs or (parent and (parent in composed) != (parent in served)):
            continue
        yield _difference(coordinate, ours, theirs)


def _difference(coordinate: str, ours: str | None, theirs: str | None) -> Finding:
    if theirs is None:
        code, message = "served-missing", f"{coordinate}: {ours} is composed, and the gateway does not serve it"
    elif ours is None:
        code, message = "served-extra", f"{coordinate}: {theirs} is served by the gateway, and no subgraph defines it"
    else:
        code, message = "served-changed", f"{coordinate}: composed as {ours}, served as {theirs}"
    return Finding(code, message, Severity.HIGH, Location(service=_GATEWAY, coordinate=coordinate), _CURE, code)


def _parent(coordinate: str) -> str:
    """`Type.field(argument:)` -> `Type.field` -> `Type` -> nothing."""
    if "(" in coordinate:
        return coordinate.partition("(")[0]
    return coordinate.rpartition(".")[0]


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """A gateway that lost, changed or invented fields, or that says nothing."""
    count = max(1, criteria["differences"].beyond())
    names = tuple(f"CertifySeeded.field{number}" for number in range(count))
    public = seen.public | {"CertifySeeded": "object"} | dict.fromkeys(names, "String")
    clean = replace(seen, public=public, gateway=Served(Fetched.OK, answers=True, coordinates=public))

    def serving(coordinates: dict[str, str]) -> FederationSeen:
        return replace(clean, gateway=replace(clean.gateway, coordinates=coordinates))

    lost = {name: kind for name, kind in public.items() if name not in names}
    yield Seeded("field removed", serving(lost), "served-missing")
    yield Seeded("type changed", serving(public | dict.fromkeys(names, "Int")), "served-changed")
    extra = {f"{name}Extra": "String" for name in names}
    yield Seeded("extra field", serving(public | extra), "served-extra")
    ways = tuple(Crossing("seeded", "A.b", "other", f"B.c{number}", "failed", "planted") for number in range(count))
    yield Seeded("way broken", replace(clean, crossings=ways), "way-broken")
    probes = tuple(Crossing(f"seeded{number}", how="failed", detail="planted") for number in range(count))
    yield Seeded("subgraph not served", replace(clean, crossings=probes), "subgraph-not-served")
    if count == 1:  # a gateway that says nothing is one difference, whatever the limit allows
        yield Seeded(
            "silent gateway", replace(clean, gateway=Served(Fetched.UNREACHABLE, detail="seeded")), "gateway-silent"
        )
