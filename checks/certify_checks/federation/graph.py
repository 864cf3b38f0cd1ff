"""Reads a supergraph, or a public schema, as a graph: its elements, and which subgraph has what.

How a supergraph says so: https://specs.apollo.dev/join/v0.3
"""

from collections.abc import Iterator
from typing import Any, Final

import graphql as gql

from certify_checks.federation.elements import of_document
from certify_checks.federation.model import Graph, Joined
from certify_checks.federation.sdl import document_of

_GRAPHS: Final = "join__Graph"


def read(sdl: str) -> Graph | None:
    """The graph that `sdl` tells of; None when it is no GraphQL."""
    document = document_of(sdl)
    if document is None:
        return None
    return Graph(of_document(document), _joined(document))


def _joined(document: Any) -> Joined:
    names = dict(_names(document))
    if not names:
        return Joined()
    keys: dict[str, tuple[str, ...]] = {}
    owners: dict[str, tuple[str, ...]] = {}
    for node in document.definitions:
        if isinstance(node, gql.ObjectTypeDefinitionNode | gql.InterfaceTypeDefinitionNode):
            types = list(_applied(node, "join__type"))
            having = tuple(dict.fromkeys(names.get(told.get("graph", ""), "") for told in types))
            keyed = [
                f"{names.get(told['graph'], '')}: {told['key']}"
                for told in types
                if told.get("key") and told.get("resolvable") is not False
            ]
            if keyed:
                keys[node.name.value] = tuple(keyed)
            owners |= {
                f"{node.name.value}.{field.name.value}": _owners(field, having, names) for field in node.fields or ()
            }
    return Joined(tuple(names.values()), keys, owners)


def _owners(field: Any, having: tuple[str, ...], names: dict[str, str]) -> tuple[str, ...]:
    """Without `@join__field`, all subgraphs that have the type resolve the field."""
    told = list(_applied(field, "join__field"))
    mine = [names.get(one.get("graph", ""), "") for one in told if not one.get("external")]
    return tuple(dict.fromkeys(name for name in mine if name)) if told else having


def _names(document: Any) -> Iterator[tuple[str, str]]:
    for node in document.definitions:
        if isinstance(node, gql.EnumTypeDefinitionNode) and node.name.value == _GRAPHS:
            for value in node.values or ():
                for told in _applied(value, "join__graph"):
                    yield value.name.value, str(told.get("name", value.name.value))


def _applied(node: Any, name: str) -> Iterator[dict[str, Any]]:
    for used in node.directives or ():
        if used.name.value == name:
            yield {part.name.value: gql.value_from_ast_untyped(part.value) for part in used.arguments or ()}
