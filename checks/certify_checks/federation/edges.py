"""The edges between subgraphs: fields of one that lead to entities of another."""

from collections.abc import Iterator
from typing import Any

import graphql as gql
import msgspec

from certify_checks.federation import fieldsets
from certify_checks.federation.sdl import Subschema, named


class Edge(msgspec.Struct, frozen=True):
    """A field of `subgraph` that leads to an entity of which `owner` has `field`."""

    subgraph: str
    type: str
    name: str
    entity: str
    owner: str
    field: str


def edges(schemas: tuple[Subschema, ...]) -> Iterator[Edge]:
    """Every field that leads to an entity of another subgraph, with a leaf that only the other one has."""
    for schema in schemas:
        for info in schema.types.values():
            for name, field in info.fields.items() if info.kind == "object" else ():
                entity = schema.types.get(named(field.type))
                if entity and entity.kind == "object" and any(fieldsets.keys(schema, entity)) and _plain(field):
                    yield from _edges(schema, info.name, name, entity.name, schemas)


def _edges(schema: Subschema, kind: str, name: str, entity: str, schemas: tuple[Subschema, ...]) -> Iterator[Edge]:
    here = schema.types[entity].fields
    for other in schemas:
        there = other.types.get(entity)
        if other.name == schema.name or there is None:
            continue
        if not any(resolvable for _, resolvable, _ in fieldsets.keys(other, there)):
            continue
        leaf = next((n for n, f in there.fields.items() if n not in here and _leaf(other, f)), "")
        if leaf:
            yield Edge(schema.name, kind, name, entity, other.name, leaf)


def _plain(field: Any) -> bool:
    return not any(isinstance(a.type, gql.NonNullTypeNode) and a.default_value is None for a in field.arguments or ())


def _leaf(schema: Subschema, field: Any) -> bool:
    target = schema.types.get(named(field.type))
    own = not schema.applied(field, "external") and not schema.applied(field, "inaccessible")
    return own and _plain(field) and (target is None or target.kind in {"enum", "scalar"})
