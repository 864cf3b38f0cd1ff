"""Keeps what was seen as evidence, under names that no service can choose to lead elsewhere."""

from urllib.parse import quote

import msgspec

from certify.api import Context, Network
from certify_checks.federation.documented import describable, described_anywhere, shares
from certify_checks.federation.edges import edges
from certify_checks.federation.elements import Elements, of_document
from certify_checks.federation.engine import Answer, Hint, Source
from certify_checks.federation.model import Composition, Subgraph
from certify_checks.federation.picture import network, table
from certify_checks.federation.sdl import Subschema, document_of, is_empty


def sdl(ctx: Context, found: list[tuple[Subgraph, str]]) -> tuple[Subgraph, ...]:
    """Write each SDL, and note where, and what it defines."""
    kept = []
    for number, (subgraph, text) in enumerate(found, 1):
        file = f"sdl/{number:02}-{quote(subgraph.name, safe='')[:80]}.graphql" if text else ""
        if file:
            ctx.write_evidence(file, text)
        elements, parsed = _elements(text)
        kept.append(msgspec.structs.replace(subgraph, file=file, parsed=parsed, elements=elements))
    return tuple(kept)


def _elements(text: str) -> tuple[Elements, bool]:
    """What an SDL defines, and whether it is GraphQL at all."""
    document = document_of(text)
    return (of_document(document), True) if document else ({}, is_empty(text))


def request(ctx: Context, sources: tuple[Source, ...]) -> None:
    """Write what the engine is asked, before it is: it may never answer."""
    ctx.write_evidence("request.json", _pretty({"subgraphs": sources}))


def composition(ctx: Context, answer: Answer, seen: Composition, hints: tuple[Hint, ...] = ()) -> None:
    """Write what the engine said, and what was understood of it."""
    for name, text in (("supergraph.graphql", answer.supergraph), ("public.graphql", answer.public)):
        ctx.write_evidence(name, text)
    ctx.write_evidence(
        "composition.json",
        _pretty({"answer": answer.errors, "complaints": seen.complaints, "hints": (*answer.hints, *hints)}),
    )


def documentation(ctx: Context, subgraphs: tuple[Subgraph, ...]) -> None:
    """Write the share of described elements by subgraph and kind."""
    told = described_anywhere(subgraphs)
    places = [place for subgraph in subgraphs for place in describable(subgraph)]
    counts = shares(places, (place for place in places if place[1] not in told))
    table: dict[str, dict[str, dict[str, int]]] = {}
    for (name, kind), (described, of) in counts.items():
        table.setdefault(name, {})[kind] = {"described": described, "of": of}
    ctx.write_evidence("documentation.json", _pretty(table))


def graph(ctx: Context, schemas: tuple[Subschema, ...]) -> Network:
    """Write who refers to whom as a table, and give it."""
    known = network(schemas, edges(schemas))
    ctx.write_evidence("graph.md", table(known))
    return known


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))
