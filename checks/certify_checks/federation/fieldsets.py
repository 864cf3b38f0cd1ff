"""Field sets of `@key`, `@requires` and `@provides`, held against the types of their subgraph."""

from collections.abc import Iterator
from typing import Any, Final

import graphql as gql

from certify_checks.federation.sdl import Subschema, TypeInfo, argument, is_list, named

_COMPOSITE: Final = ("object", "interface", "union")


def selections(text: str) -> Any:
    """The selection set that a field set writes without its outer braces.

    Raises:
        GraphQLError: it is none.
    """
    (definition,) = gql.parse(f"{{ {text} }}", no_location=True).definitions
    found: Any = definition
    return found.selection_set


def text_of(used: Any) -> str | None:
    """The `fields` of a directive, None when it is no text."""
    value = argument(used, "fields")
    return value.value if isinstance(value, gql.StringValueNode) else None


def keys(schema: Subschema, info: TypeInfo) -> Iterator[tuple[str, bool, Any]]:
    """Every `@key` of a type: its field set, whether the subgraph resolves it, and its node."""
    for used in schema.applied(info, "key"):
        text, resolvable = text_of(used), argument(used, "resolvable")
        if text is not None:
            yield text, getattr(resolvable, "value", True) is not False, used


def problems(schema: Subschema, info: TypeInfo, text: str, *, key: bool) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a field set on `info`: (kind, coordinate, message); kind `invalid` or `type`.

    Syntax is the engine's to tell, and so are unknown fields at the first level, arguments and directives.
    """
    try:
        found = selections(text)
    except gql.GraphQLError:
        return
    yield from _walk(schema, info, found, key=key)


def _walk(schema: Subschema, info: TypeInfo, found: Any, *, key: bool) -> Iterator[tuple[str, str, str]]:
    for part in found.selections:
        if isinstance(part, gql.FragmentSpreadNode):
            yield "invalid", info.name, f"spreads ...{part.name.value}, and a field set cannot define fragments"
        elif isinstance(part, gql.InlineFragmentNode):
            condition = part.type_condition.name.value if part.type_condition else info.name
            inner = schema.types.get(condition)
            if inner is None:
                yield "invalid", info.name, f"names the type {condition}, which the subgraph does not define"
            else:
                yield from _walk(schema, inner, part.selection_set, key=key)
        elif part.name.value != "__typename":
            yield from _field(schema, info, part, key=key)


def _field(schema: Subschema, info: TypeInfo, part: Any, *, key: bool) -> Iterator[tuple[str, str, str]]:
    coordinate = f"{info.name}.{part.name.value}"
    if part.alias:
        yield "invalid", coordinate, f"renames {part.name.value} to {part.alias.value}, and a field set has no aliases"
    field = info.fields.get(part.name.value)
    if field is None:
        yield "invalid", coordinate, f"names {coordinate}, which the subgraph does not define"
        return
    target = schema.types.get(named(field.type))
    kind = target.kind if target else "scalar"
    if key and (is_list(field.type) or kind in {"interface", "union"}):
        yield "type", coordinate, f"names {coordinate}, which is {'a list' if is_list(field.type) else f'of a {kind}'}"
    if kind in _COMPOSITE and not part.selection_set:
        yield "invalid", coordinate, f"names {coordinate} without saying which of its fields"
    elif kind not in _COMPOSITE and part.selection_set:
        yield "invalid", coordinate, f"selects fields of {coordinate}, which is a {kind}"
    elif target and part.selection_set:
        yield from _walk(schema, target, part.selection_set, key=key)
