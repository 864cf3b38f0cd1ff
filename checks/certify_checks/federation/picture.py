"""The graph of subgraphs, entities and edges: as a network that reports draw, and as a table for the evidence.

All names are other people's texts.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from certify.api import Network, Part, Way, markdown
from certify_checks.federation import fieldsets
from certify_checks.federation.edges import Edge
from certify_checks.federation.sdl import Subschema

# Who shares one entity with hundreds refers to each of them.
MOST_WAYS: Final = 2_000
# Fields that are told of one way.
MOST_FIELDS: Final = 20


def network(schemas: Sequence[Subschema], edges: Iterable[Edge]) -> Network:
    """Subgraphs with the entities that they resolve, and whose entities their fields lead to."""
    parts = tuple(Part(schema.name, tuple(_entities(schema))) for schema in schemas)
    fields: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        fields.setdefault((edge.subgraph, edge.owner), []).append(f"{edge.type}.{edge.name}")
    ways = [Way(start, end, tuple(by[:MOST_FIELDS])) for (start, end), by in fields.items()]
    title = f"{len(parts)} subgraphs, and whose entities they refer to"
    return Network(title, parts, tuple(ways[:MOST_WAYS]), max(0, len(ways) - MOST_WAYS))


def _entities(schema: Subschema) -> Iterable[str]:
    for info in schema.types.values():
        keys = [text for text, resolvable, _ in fieldsets.keys(schema, info) if resolvable]
        if keys:
            yield f"{info.name} ({', '.join(keys)})"


def table(known: Network) -> str:
    """The same in words: who resolves which entities, and who refers to whom by what."""
    rows = ["| subgraph | entities, by key |", "|---|---|"]
    rows += [f"| {markdown(part.name)} | {markdown(', '.join(part.holds)) or '-'} |" for part in known.parts]
    rows += ["", "| from | to | by |", "|---|---|---|"]
    rows += [f"| {markdown(way.start)} | {markdown(way.end)} | {markdown(', '.join(way.by))} |" for way in known.ways]
    rows += ["", f"and {known.left} more"] if known.left else []
    return "\n".join(rows) + "\n"
