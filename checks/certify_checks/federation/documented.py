"""Judges whether the schemas say what their elements are for."""

from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.federation.elements import Element
from certify_checks.federation.model import FederationSeen, Fetched, Subgraph

WHOLE = 1_000_000
# So many elements are told one by one.
SHOWN = 300
_CURE = "say in a description what it is for, and not its name again"
_UNTOLD = frozenset({"member", "implementation"})

Place = tuple[Subgraph, str, Element]


def judge(seen: FederationSeen, criteria: Criteria) -> Ruling:
    """Hold each subgraph's share of described elements, in parts per million, against the limit.

    An element that several subgraphs define is described when one of them describes it: composition takes that over.
    """
    subgraphs = tuple(subgraph for subgraph in seen.subgraphs if criteria.covers(subgraph.name))
    if not subgraphs:
        cure = "declare `graphql:` for the services that are subgraphs"
        return Ruling.inconclusive("no-subgraphs", "the stack has no service with GraphQL", cure=cure)
    limit, told = criteria["described"], described_anywhere(seen.subgraphs)
    elements = [place for subgraph in subgraphs for place in describable(subgraph)]
    missing = [place for place in elements if place[1] not in told]
    measured = tuple(_measurements(subgraphs, elements, missing, limit))
    lost, bad = (
        tuple(_lost(seen)),
        {share.service for share in measured if share.limit and not limit.holds(share.value)},
    )
    summary = f"{len(elements) - len(missing)} of {len(elements)} elements in {len(subgraphs)} schemas are described"
    if bad or lost:
        undescribed = _findings(place for place in missing if place[0].name in bad)
        return Ruling(Outcome.FAIL, summary, len(elements), findings=(*lost, *undescribed), measurements=measured)
    return _unreadable(subgraphs, len(elements)) or Ruling(Outcome.PASS, summary, len(elements), measurements=measured)


def _unreadable(subgraphs: tuple[Subgraph, ...], examined: int) -> Ruling | None:
    unread = [subgraph.name for subgraph in subgraphs if subgraph.state is not Fetched.OK or not subgraph.parsed]
    if unread:
        told = f"the schemas of {', '.join(unread)} could not be read"
        return Ruling.inconclusive("schema-unread", told, cure="mend what federation.composes says", examined=examined)
    if not examined:
        return Ruling.inconclusive("nothing-to-describe", "the schemas define nothing", cure="add types to the schemas")
    return None


def describable(subgraph: Subgraph) -> Iterator[Place]:
    """What a subgraph can describe: not what it only extends or refers to, nor relations."""
    for coordinate, element in subgraph.elements.items():
        if element.kind not in _UNTOLD and not {"extension", "external"} & set(element.facts):
            yield subgraph, coordinate, element


def described_anywhere(subgraphs: Iterable[Subgraph]) -> frozenset[str]:
    """The coordinates that at least one subgraph describes."""
    return frozenset(
        coordinate for subgraph in subgraphs for coordinate, element in subgraph.elements.items() if element.described
    )


def shares(places: Iterable[Place], missing: Iterable[Place]) -> dict[tuple[str, str], tuple[int, int]]:
    """(subgraph, kind) -> (described, all)."""
    counts: dict[tuple[str, str], list[int]] = {}
    for subgraph, _, element in places:
        count = counts.setdefault((subgraph.name, element.kind), [0, 0])
        count[0] += 1
        count[1] += 1
    for subgraph, _, element in missing:
        counts[subgraph.name, element.kind][0] -= 1
    return {key: (told, of) for key, (told, of) in counts.items()}


def _measurements(
    subgraphs: tuple[Subgraph, ...], elements: list[Place], missing: list[Place], limit: Limit
) -> Iterator[Measurement]:
    counts = shares(elements, missing)
    for subgraph in subgraphs:
        own = [count for (name, _), count in counts.items() if name == subgraph.name]
        if own:
            share = _share(own)
            yield Measurement("described", share, "ppm", limit, samples=sum(of for _, of in own), service=subgraph.name)
    for kind in sorted({kind for _, kind in counts}):
        own = [count for (_, other), count in counts.items() if other == kind]
        yield Measurement(f"described: {kind}", _share(own), "ppm", samples=sum(of for _, of in own))


def _share(counts: list[tuple[int, int]]) -> int:
    return sum(told for told, _ in counts) * WHOLE // sum(of for _, of in counts)


def _findings(missing: Iterable[Place]) -> Iterator[Finding]:
    missing = iter(missing)
    for subgraph, coordinate, element in islice(missing, SHOWN):
        place = Location(subgraph.file, element.line, service=subgraph.name, coordinate=coordinate)
        told = f"the {element.kind} {coordinate} has no description"
        yield Finding("undescribed", told, Severity.LOW, place, _CURE, context=coordinate)
    if more := sum(1 for _ in missing):
        yield Finding(
            "undescribed", f"{more} more elements have no description", Severity.LOW, cure=_CURE, context="more"
        )


def _lost(seen: FederationSeen) -> Iterator[Finding]:
    """The ratchet: what was described in the baseline and is there without a description now."""
    for coordinate, before in seen.baseline.graph.elements.items():
        now = seen.graph.elements.get(coordinate)
        if before.described and now and not now.described:
            told = f"the {now.kind} {coordinate} was described in {seen.baseline.origin}, and is not any more"
            place = Location(coordinate=coordinate)
            yield Finding("description-lost", told, Severity.MEDIUM, place, "describe it again", context=coordinate)


def seed(seen: FederationSeen, criteria: Criteria) -> Iterable[Seeded[FederationSeen]]:
    """Each kind of element without its description, a description that got lost, and a subgraph that says nothing."""
    real = next((s for s in seen.subgraphs if criteria.covers(s.name) and any(True for _ in describable(s))), None)
    invented = {
        "CertifySeeded": Element("object", described=True),
        "CertifySeeded.field": Element("field", described=True),
    }
    subgraph = real or Subgraph(criteria.services[0] if criteria.services else "seeded", elements=invented)
    others = tuple(other for other in seen.subgraphs if other is not real)

    def of(elements: dict[str, Element]) -> FederationSeen:
        # All of one kind, so that the share breaks whatever limit there is; the others keep silent about it.
        quiet = tuple(replace(other, elements={}) for other in others)
        return replace(seen, subgraphs=(replace(subgraph, elements=elements), *quiet))

    silent = {name: replace(element, described=False) for name, element in subgraph.elements.items()}
    yield Seeded("nothing described", of(silent), "undescribed")
    for name, element in _one_of_each_kind(subgraph):
        alone = {name: replace(element, described=False)}
        yield Seeded(f"{element.kind} without a description", of(alone), "undescribed")
    before, now = Element("object", described=True), Element("object")
    worse = replace(seen.graph, elements=seen.graph.elements | {"CertifySeeded": now})
    better = replace(seen.baseline, graph=replace(seen.graph, elements={"CertifySeeded": before}))
    yield Seeded("description lost", replace(of(silent), graph=worse, baseline=better), "description-lost")


def _one_of_each_kind(subgraph: Subgraph) -> Iterator[tuple[str, Element]]:
    kinds = set()
    for _, coordinate, element in describable(subgraph):
        if element.kind not in kinds:
            kinds.add(element.kind)
            yield coordinate, element
