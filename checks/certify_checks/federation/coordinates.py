"""Schema coordinates: a schema as a flat map that can be compared, and the place of a coordinate in an SDL.

Coordinates are written as in the GraphQL specification's section on schema coordinates: `Type`, `Type.field`,
`Type.field(argument:)`, `Enum.VALUE`, `Input.field`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import graphql as gql

from certify_checks.federation.sdl import document_of

_SPECIFIED = frozenset(gql.specified_scalar_types)
COORDINATE = re.compile(r'"(@?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?(?:\([A-Za-z_]\w*:\))?)"')


def of_sdl(sdl: str) -> dict[str, str]:
    """Coordinates of a schema written as SDL.

    Raises:
        Exception: the text is no schema; graphql-core raises several kinds.
    """
    return of_schema(gql.build_schema(sdl, assume_valid=True))


def of_introspection(data: dict[str, Any]) -> dict[str, str]:
    """Coordinates of the `data` of an answered introspection query.

    Raises:
        Exception: the answer is no schema; graphql-core raises several kinds.
    """
    return of_schema(gql.build_client_schema(data, assume_valid=True))  # type: ignore[arg-type]


def of_schema(schema: gql.GraphQLSchema) -> dict[str, str]:
    """Every coordinate of `schema` with its type or kind; the language's own scalars and introspection are left out."""
    # by way of introspection, which writes default values the same whatever the schema was made from
    told: Any = gql.introspection_from_schema(schema, descriptions=False, input_value_deprecation=True)
    found: dict[str, str] = {}
    for kind in sorted(told["__schema"]["types"], key=lambda kind: str(kind["name"])):
        if kind["name"] not in _SPECIFIED and not kind["name"].startswith("__"):
            found.update(_of_type(kind))
    return found


def _of_type(kind: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = kind["name"]
    related = sorted(other["name"] for other in (kind["interfaces"] or ()) or (_possible(kind)))
    yield name, " ".join((kind["kind"].lower().replace("_", " "), *related))
    for field in kind["fields"] or ():
        yield f"{name}.{field['name']}", _type(field["type"])
        yield from ((f"{name}.{field['name']}({given['name']}:)", _input(given)) for given in field["args"])
    yield from ((f"{name}.{value['name']}", "value") for value in kind["enumValues"] or ())
    yield from ((f"{name}.{given['name']}", _input(given)) for given in kind["inputFields"] or ())


def _possible(kind: dict[str, Any]) -> list[dict[str, Any]]:
    return kind["possibleTypes"] or [] if kind["kind"] == "UNION" else []


def _type(reference: dict[str, Any]) -> str:
    if reference["kind"] == "NON_NULL":
        return f"{_type(reference['ofType'])}!"
    return f"[{_type(reference['ofType'])}]" if reference["kind"] == "LIST" else str(reference["name"])


def _input(given: dict[str, Any]) -> str:
    default = given["defaultValue"]
    return _type(given["type"]) + ("" if default is None else f" = {default}")


def named_in(message: str) -> str:
    """The first `Type.field` in quotes in an engine's message, else the first quoted name that could be a type."""
    names: list[str] = COORDINATE.findall(message)
    return next((name for name in names if "." in name), next((name for name in names if name[0].isupper()), ""))


def places(sdl: str) -> dict[str, tuple[int, int]]:
    """Line and column, from 1, of every type and field that `sdl` defines or extends; empty when it does not parse."""
    document = document_of(sdl)
    if document is None:
        return {}
    found: dict[str, tuple[int, int]] = {}
    for definition in document.definitions:
        name = getattr(getattr(definition, "name", None), "value", "")
        if isinstance(definition, gql.TypeDefinitionNode | gql.TypeExtensionNode):
            found.setdefault(name, _place(definition))
            for field in _members(definition):
                found.setdefault(f"{name}.{field.name.value}", _place(field))
    return found


def _members(definition: gql.Node) -> Iterator[gql.FieldDefinitionNode]:
    yield from getattr(definition, "fields", None) or ()
    yield from getattr(definition, "values", None) or ()


def _place(node: gql.Node) -> tuple[int, int]:
    name = getattr(node, "name", node)
    token = name.loc.start_token if name.loc else None
    return (token.line, token.column) if token else (0, 0)


def enclosing(sdl_places: Mapping[str, tuple[int, int]], line: int, column: int) -> str:
    """The coordinate whose definition starts last before a place: what a reader would say the place belongs to."""
    before = [(place, name) for name, place in sdl_places.items() if place <= (line, column)]
    return max(before, default=((0, 0), ""))[1]
