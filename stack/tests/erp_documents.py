"""Documents and values made from a schema."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    is_leaf_type,
)

SCALARS = {
    "ID": lambda: str(uuid4()),
    "String": lambda: "some text",
    "Int": lambda: 1,
    "Boolean": lambda: True,
    "Decimal": lambda: "5.00",
    "Date": lambda: "2030-01-31",
    "DateTime": lambda: "2030-01-31T10:00:00+00:00",
}


def some_value(kind: Any) -> Any:
    """Return a value of an input type: required parts only."""
    if isinstance(kind, GraphQLNonNull):
        return some_value(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [some_value(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: some_value(field.type)
            for name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        }
    return SCALARS[kind.name]()


def operation_document(schema: GraphQLSchema, operation: str) -> tuple[str, dict[str, Any]]:
    """Return a document that calls one root field with its required arguments, and its variables."""
    root, name = operation.split(".")
    kind = schema.query_type if root == "Query" else schema.mutation_type
    assert kind is not None
    field = kind.fields[name]
    given = {key: arg for key, arg in field.args.items() if isinstance(arg.type, GraphQLNonNull)}
    head = ", ".join(f"${key}: {arg.type}" for key, arg in given.items())
    call = ", ".join(f"{key}: ${key}" for key in given)
    bare = field.type
    while hasattr(bare, "of_type"):
        bare = bare.of_type
    selection = "" if is_leaf_type(bare) else " { __typename }"
    document = f"{root.lower()}{f'({head})' if head else ''} {{ {name}{f'({call})' if call else ''}{selection} }}"
    return document, {key: some_value(arg.type) for key, arg in given.items()}


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Return the public elements of a schema that say nothing of themselves."""
    # Names with two underscores belong to the machinery of GraphQL and Federation.
    public = {name: kind for name, kind in schema.type_map.items() if "__" not in name and name[0] != "_"}
    return [place for name, kind in public.items() for place, text in _descriptions(name, kind) if not text]


def _descriptions(name: str, kind: Any) -> Iterator[tuple[str, str | None]]:
    yield name, kind.description
    for value, spec in getattr(kind, "values", {}).items():
        yield f"{name}.{value}", spec.description
    for field_name, field in getattr(kind, "fields", {}).items():
        if field_name[0] == "_":
            continue
        yield f"{name}.{field_name}", field.description
        for arg_name, arg in getattr(field, "args", {}).items():
            yield f"{name}.{field_name}({arg_name})", arg.description
