"""Defects that the composition engine lets pass, although the public specifications refuse them.

Each rule says where it is written down. What the engine tells too is told once, as the engine tells it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import graphql as gql
import msgspec

from certify_checks.federation import fieldsets
from certify_checks.federation.model import Complaint
from certify_checks.federation.sdl import FEDERATION, LINK, Subschema, TypeInfo, named, place

_ERRORS: Final = "https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/errors"
_SPEC: Final = "https://spec.graphql.org/September2025/"
_BUILT_IN: Final = frozenset(gql.specified_scalar_types)
# Specifications that a @link may make necessary (`for:`) and every composition knows.
_KNOWN: Final = tuple(
    f"https://specs.apollo.dev/{name}/"
    for name in ("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "cost", "context", "join", "core")
)


class Gap(msgspec.Struct, frozen=True):
    """One defect: the code it has in the federation specification, and the node that has it."""

    code: str
    message: str
    coordinate: str
    node: Any


class GapRule(msgspec.Struct, frozen=True):
    """One rule of ours: what it asks of a subgraph, and the text that says so."""

    find: Callable[[Subschema], Iterable[Gap]]
    source: str


def find(schemas: Iterable[Subschema], files: dict[str, str]) -> tuple[Complaint, ...]:
    """Every gap in `schemas`, as complaints; `files` gives the evidence file of each subgraph."""
    return tuple(
        Complaint(
            gap.code,
            f"[{schema.name}] {gap.message}",
            schema.name,
            gap.coordinate,
            files.get(schema.name, ""),
            *place(gap.node),
            by=f"certify, after {rule.source}",
        )
        for schema in schemas
        for rule in RULES
        for gap in rule.find(schema)
    )


def _external_on_interface(schema: Subschema) -> Iterator[Gap]:
    for info in schema.types.values():
        for name, field in info.fields.items() if info.kind == "interface" else ():
            if schema.applied(field, "external"):
                coordinate = f"{info.name}.{name}"
                told = f"{coordinate} is @external, and no field of an interface can be"
                yield Gap("EXTERNAL_ON_INTERFACE", told, coordinate, field)


def _external_collides(schema: Subschema) -> Iterator[Gap]:
    for info, name, field in _object_fields(schema):
        for other in ("shareable", "override") if schema.applied(field, "external") else ():
            if schema.applied(field, other):
                coordinate = f"{info.name}.{name}"
                told = f"{coordinate} is both @external and @{other}"
                yield Gap("EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE", told, coordinate, field)


def _interface_object_beside_implementation(schema: Subschema) -> Iterator[Gap]:
    for stand_in in schema.types.values():
        here = schema.implementers.get(stand_in.name, frozenset()) & set(schema.types)
        for name in sorted(here) if schema.applied(stand_in, "interfaceObject") else ():
            told = f"{name} implements {stand_in.name}, which is an @interfaceObject in this subgraph"
            yield Gap("INTERFACE_OBJECT_USAGE_ERROR", told, name, schema.types[name].nodes[0])


def _linked_feature(schema: Subschema) -> Iterator[Gap]:
    for told, node in schema.links:
        address = str(told.get("url", ""))
        if told.get("for") and not address.startswith((FEDERATION, LINK, *_KNOWN)):
            message = f"@link makes {address} necessary for {told['for']}, and no composition knows that specification"
            yield Gap("UNSUPPORTED_LINKED_FEATURE", message, "", node)


def _field_sets(schema: Subschema) -> Iterator[Gap]:
    for info in schema.types.values():
        for text, _, used in fieldsets.keys(schema, info):
            yield from _field_set_gaps(schema, info, text, "key", used)
        for name, field in info.fields.items() if info.kind == "object" else ():
            for used in schema.applied(field, "requires"):
                yield from _field_set_gaps(schema, info, fieldsets.text_of(used) or "", "requires", used, name)
            target = schema.types.get(named(field.type))
            for used in schema.applied(field, "provides") if target else ():
                yield from _field_set_gaps(schema, target, fieldsets.text_of(used) or "", "provides", used, name)


def _field_set_gaps(  # noqa: PLR0913, PLR0917 - what a directive's application is
    schema: Subschema, info: TypeInfo | None, text: str, directive: str, used: Any, field: str = ""
) -> Iterator[Gap]:
    for kind, coordinate, message in (
        fieldsets.problems(schema, info, text, key=directive == "key") if info and text else ()
    ):
        code = "KEY_FIELDS_SELECT_INVALID_TYPE" if kind == "type" else f"{directive.upper()}_INVALID_FIELDS"
        at = f" on {field}" if field else ""
        yield Gap(code, f'@{directive}(fields: "{text}"){at} {message}', coordinate, used)


def _repeated_members(schema: Subschema) -> Iterator[Gap]:
    for info in schema.types.values():
        for attribute, verb in (("types", "has the member"), ("interfaces", "implements")):
            for name in _repeated(part.name.value for part in info.listed(attribute)):
                yield Gap("INVALID_GRAPHQL", f"{info.name} {verb} {name} more than once", info.name, info.nodes[0])


def _same_roots(schema: Subschema) -> Iterator[Gap]:
    for name in _repeated(schema.roots.values()):
        operations = " and ".join(root for root, told in schema.roots.items() if told == name)
        node = schema.types[name].nodes[0] if name in schema.types else schema.document
        yield Gap("INVALID_GRAPHQL", f"{name} is the root type of {operations}: they must differ", name, node)


def _names_of_roots(schema: Subschema) -> Iterator[Gap]:
    """A supergraph's root types have these names, so that a type that is none is taken for one."""
    for root in ("mutation", "subscription"):
        info = schema.types.get(root.title())
        if info and schema.roots.get(root) is None and any(schema.roots.values()):
            told = f'{info.name} is no root type here ("schema" does not name it), and becomes that of the supergraph'
            yield Gap(f"ROOT_{root.upper()}_USED", told, info.name, info.nodes[0])


def _built_in_scalars(schema: Subschema) -> Iterator[Gap]:
    for name in sorted(_BUILT_IN & set(schema.types)):
        info = schema.types[name]
        if info.kind != "scalar":
            kind = info.kind.replace("_", " ")
            yield Gap("TYPE_DEFINITION_INVALID", f"{name} is built in and a scalar, not: {kind}", name, info.nodes[0])


def _one_of(schema: Subschema) -> Iterator[Gap]:
    for info in schema.types.values():
        if info.kind != "input_object" or not any(used.name.value == "oneOf" for used in info.directives):
            continue
        for name, field in info.fields.items():
            coordinate = f"{info.name}.{name}"
            if isinstance(field.type, gql.NonNullTypeNode):
                yield Gap("INVALID_GRAPHQL", f"{coordinate} of a @oneOf input must be nullable", coordinate, field)
            if field.default_value is not None:
                yield Gap("INVALID_GRAPHQL", f"{coordinate} of a @oneOf input has a default", coordinate, field)


def _directives_of_themselves(schema: Subschema) -> Iterator[Gap]:
    for node in schema.document.definitions:
        if isinstance(node, gql.DirectiveDefinitionNode):
            name = node.name.value
            if any(used.name.value == name for given in node.arguments or () for used in given.directives or ()):
                yield Gap("INVALID_GRAPHQL", f"@{name} is applied to an argument of itself", f"@{name}", node)


def _texts_of_directives(schema: Subschema) -> Iterator[Gap]:
    texts = {"specifiedBy": "url", "deprecated": "reason", "tag": "name"}
    for info in schema.types.values():
        for coordinate, node in ((info.name, info), *((f"{info.name}.{name}", at) for name, at in info.fields.items())):
            for used in node.directives or ():
                wanted = texts.get(used.name.value)
                value = next((given.value for given in used.arguments or () if given.name.value == wanted), None)
                if value is not None and not isinstance(value, gql.StringValueNode | gql.NullValueNode):
                    told = f"@{used.name.value}({wanted}:) on {coordinate} is no text"
                    yield Gap("INVALID_GRAPHQL", told, coordinate, used)


def _object_fields(schema: Subschema) -> Iterator[tuple[TypeInfo, str, Any]]:
    for info in schema.types.values():
        for name, field in info.fields.items() if info.kind == "object" else ():
            yield info, name, field


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


RULES: Final = (
    GapRule(_external_on_interface, f"{_ERRORS}#EXTERNAL_ON_INTERFACE"),
    GapRule(_external_collides, f"{_ERRORS}#EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE"),
    GapRule(_interface_object_beside_implementation, f"{_ERRORS}#INTERFACE_OBJECT_USAGE_ERROR"),
    GapRule(_linked_feature, f"{_ERRORS}#UNSUPPORTED_LINKED_FEATURE"),
    GapRule(_field_sets, f"{_ERRORS}#KEY_INVALID_FIELDS"),
    GapRule(_repeated_members, f"{_SPEC}#sec-Unions.Type-Validation"),
    GapRule(_same_roots, f"{_SPEC}#sec-Root-Operation-Types"),
    GapRule(_names_of_roots, f"{_SPEC}#sec-Root-Operation-Types.Default-Root-Operation-Type-Names"),
    GapRule(_built_in_scalars, f"{_SPEC}#sec-Scalars.Built-in-Scalars"),
    GapRule(_one_of, f"{_SPEC}#sec-Input-Objects.Type-Validation"),
    GapRule(_directives_of_themselves, f"{_SPEC}#sec-Type-System.Directives.Type-Validation"),
    GapRule(_texts_of_directives, f"{_SPEC}#sec-Values-of-Correct-Type"),
)
