"""Composes subgraphs and explains the engine's errors; needs no stack, only SDL."""

import asyncio

from certify_checks.federation import gaps, merged
from certify_checks.federation.coordinates import enclosing, named_in, places
from certify_checks.federation.engine import Answer, EngineError, Source, compose
from certify_checks.federation.model import Complaint, Composed, Composition, Decoy
from certify_checks.federation.sdl import is_empty, parse_all

DECOY = "certify-decoy"
_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
_TWO = _LINK + 'type Query { decoy: Decoy unknown: Missing }\ntype Decoy @key(fields: "missing") { id: ID! }\n'

_LIST_IN_KEY = _LINK + 'type Query { decoy: Decoy }\ntype Decoy @key(fields: "ids") { ids: [ID!]! }\n'

Files = dict[str, str]
Place = tuple[int, int]


def describe(answer: Answer, sources: tuple[Source, ...], files: Files, second: Answer | None = None) -> Composition:
    """The engine's answer and what our own rules add; `files` gives the evidence file of each subgraph's SDL.

    `second`: what another engine answered; where it refuses what the first composes, its errors are told too.
    """
    more = second.errors if second and answer.state is Composed.COMPOSED else ()
    found = {source.name: places(source.sdl) for source in sources} if answer.errors or more else {}
    empty = frozenset(source.name for source in sources if is_empty(source.sdl))
    told = (_complaint(error, found, files, empty, answer.engine) for error in answer.errors)
    ours = gaps.find(parse_all((source.name, source.sdl) for source in sources), files)
    others = (_complaint(error, found, files, empty, second.engine) for error in more) if second else ()
    complaints = merged.once((*told, *ours, *others, *disagreement(answer, second)))
    engines = f"{answer.engine} and {second.engine}" if second and second.engine else answer.engine
    return Composition(answer.state, complaints, engines, answer.detail, len(sources), len(answer.public))


_ANSWERS = frozenset({Composed.COMPOSED, Composed.REFUSED})


def disagreement(one: Answer, other: Answer | None) -> tuple[Complaint, ...]:
    """That two engines came to different ends, if they did."""
    if other is None or one.state is other.state or one.state not in _ANSWERS:
        return ()
    if other.state not in _ANSWERS:
        return (Complaint("SECOND_ENGINE_FAILED", f"{other.state}: {other.detail}", by="certify"),)
    ends = (f"{answer.engine} {answer.state}" for answer in (one, other))
    return (Complaint("ENGINES_DISAGREE", f"two engines disagree: {', '.join(ends)}", by="certify"),)


def _complaint(
    error: EngineError, found: dict[str, dict[str, Place]], files: Files, empty: frozenset[str], engine: str
) -> Complaint:
    coordinate = named_in(error.message)
    if error.locations:
        place = error.locations[0]
        inside = enclosing(found.get(place.subgraph, {}), place.line, place.column)
        subgraph, at = place.subgraph, (place.line, place.column)
        coordinate = inside if error.subgraph else coordinate or inside
    else:
        # The engine gives no place for errors between subgraphs: point at the first that defines the coordinate.
        near = [name for name, known in found.items() if coordinate in known]
        subgraph = error.subgraph or next(iter(near), "")
        at = found.get(subgraph, {}).get(coordinate, (0, 0))
    file = files.get(subgraph, "")
    if error.code == "INVALID_GRAPHQL" and subgraph in empty:
        return Complaint("EMPTY_SUBGRAPH", "the subgraph defines nothing", subgraph, file=file, by=engine)
    return Complaint(error.code, error.message, subgraph, coordinate, file, *at, by=engine)


async def plant(sources: tuple[Source, ...], seconds: float) -> tuple[Decoy, ...]:
    """Put planted defects through the engine: one beside the real subgraph that it conflicts with, the others alone."""
    planted: list[tuple[dict[str, str], tuple[Source, ...]]] = [
        ({"key of a missing field": "KEY_INVALID_FIELDS", "unknown type": "INVALID_GRAPHQL"}, (Source(DECOY, _TWO),)),
    ]
    if conflict := conflicting(sources):
        planted.append(({"conflicting type of a real field": "FIELD_TYPE_MISMATCH"}, conflict))
    answers = await asyncio.gather(*(compose(texts, seconds=seconds) for _, texts in planted))
    ours = gaps.find(parse_all([(DECOY, _LIST_IN_KEY)]), {})
    return (
        *(
            Decoy(name, expected, tuple(sorted({error.code for error in answer.errors})))
            for (expectations, _), answer in zip(planted, answers, strict=True)
            for name, expected in expectations.items()
        ),
        Decoy("list in a key", "KEY_FIELDS_SELECT_INVALID_TYPE", tuple(sorted({gap.code for gap in ours}))),
    )


def conflicting(sources: tuple[Source, ...]) -> tuple[Source, Source] | None:
    """A real subgraph, and one that gives its first query field another type; None when there is no such field."""
    for source in sources:
        for coordinate in places(source.sdl):
            kind, _, field = coordinate.partition(".")
            if kind == "Query" and field and not field.startswith("_"):
                return source, Source(DECOY, f"type Query {{ {field}: CertifyDecoy }}\nscalar CertifyDecoy\n")
    return None


NOT_RUN = Composition(Composed.SKIPPED, detail="not composed, because a subgraph is missing")
