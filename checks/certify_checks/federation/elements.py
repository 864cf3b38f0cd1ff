"""A schema as a flat map from coordinate to element: what can be described, compared and used.

Made from the syntax tree alone, so that a schema that does not validate can be read too. Beside the coordinates of the
GraphQL specification there are `Union | Member` and `Type & Interface`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import graphql as gql
import msgspec

from certify_checks.federation.sdl import DIRECTIVES, place

_MACHINERY: Final = re.compile(
    r"@?(join|link|core|federation)__|(_Service|_Entity|_Any)\b|Query\._(entities|service)\b"
)
# What a subgraph's SDL may hold of the specifications, for those who read it.
_SPECIFIED: Final = frozenset(
    {
        *gql.specified_scalar_types,
        *(f"@{directive.name}" for directive in gql.specified_directives),
        *(f"@{name}" for name in (*DIRECTIVES, "link")),
        "_FieldSet",
    }
)
_PLACEHOLDER: Final = re.compile(r"\W*(todo|tbd|fixme|xxx|description|\W)*\W*", re.IGNORECASE)
EXECUTABLE: Final = frozenset(
    ("QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")
) | {"VARIABLE_DEFINITION"}


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """One element.

    Attributes:
        kind: `object`, `interface`, `union`, `enum`, `input`, `scalar`, `directive`, `field`, `argument`,
            `input field`, `value`, `member` or `implementation`.
        type: of a field or an argument, as written.
        default: value, as written.
        deprecated: the reason, when it is.
        described: it has a description that says more than its name.
        facts: `oneOf`, `external`, `extension` (of a type that is defined elsewhere), `repeatable`, the address of
            `specifiedBy`, the locations of a directive.
        line: in its text, from 1.
    """

    kind: str
    type: str = ""
    default: str | None = None
    deprecated: str | None = None
    described: bool = False
    facts: tuple[str, ...] = ()
    line: int = 0


Elements = dict[str, Element]


def of_document(document: Any) -> Elements:
    """Every element of a parsed schema, without what federation adds and what the API schema leaves out."""
    found: Elements = {}
    for node in document.definitions:
        if isinstance(node, gql.TypeDefinitionNode | gql.TypeExtensionNode | gql.DirectiveDefinitionNode):
            for coordinate, element in _of_definition(node):
                known = found.get(coordinate)
                found[coordinate] = element if known is None else _both(known, element)
    hidden = {name for name, element in found.items() if "inaccessible" in element.facts}
    return {name: element for name, element in found.items() if not _left_out(name, hidden)}


def _left_out(coordinate: str, hidden: set[str]) -> bool:
    if _MACHINERY.match(coordinate) or coordinate.partition("(")[0] in _SPECIFIED:
        return True
    parts = re.split(r"[.(]| [|&] ", coordinate)
    own = {coordinate, parts[0], coordinate.partition("(")[0]}
    related = {parts[1]} if re.search(r" [|&] ", coordinate) else set()
    return bool(hidden & (own | related)) or any(_MACHINERY.match(name) for name in related)


def _both(one: Element, other: Element) -> Element:
    facts = dict.fromkeys((*one.facts, *other.facts))
    if "extension" not in one.facts or "extension" not in other.facts:
        facts.pop("extension", None)
    return msgspec.structs.replace(one, described=one.described or other.described, facts=tuple(facts))


def _of_definition(node: Any) -> Iterator[tuple[str, Element]]:
    name, shape = node.name.value, node.kind.removesuffix("_definition").removesuffix("_extension")
    if shape == "directive":
        places = tuple(sorted(at.value for at in node.locations))
        yield f"@{name}", _element("directive", node, facts=(*(("repeatable",) if node.repeatable else ()), *places))
        yield from ((f"@{name}({given.name.value}:)", _given("argument", given)) for given in node.arguments or ())
        return
    kind = shape.removesuffix("_type").removesuffix("_object")
    yield name, _element(kind, node, facts=("extension",) if node.kind.endswith("_extension") else ())
    yield from ((f"{name} & {other.name.value}", Element("implementation")) for other in _of(node, "interfaces"))
    yield from ((f"{name} | {other.name.value}", Element("member")) for other in _of(node, "types"))
    yield from ((f"{name}.{value.name.value}", _element("value", value)) for value in _of(node, "values"))
    for field in _of(node, "fields"):
        coordinate = f"{name}.{field.name.value}"
        if kind == "input":
            yield coordinate, _given("input field", field)
            continue
        yield coordinate, _element("field", field, type=gql.print_ast(field.type))
        for given in field.arguments or ():
            yield f"{coordinate}({given.name.value}:)", _given("argument", given)


def _of(node: Any, attribute: str) -> Any:
    return getattr(node, attribute, None) or ()


def _given(kind: str, node: Any) -> Element:
    default = gql.print_ast(node.default_value) if node.default_value else None
    return _element(kind, node, type=gql.print_ast(node.type), default=default)


def _element(kind: str, node: Any, **more: Any) -> Element:
    facts = list(more.pop("facts", ()))
    deprecated = None
    for used in getattr(node, "directives", None) or ():
        given = {part.name.value: gql.value_from_ast_untyped(part.value) for part in used.arguments or ()}
        if used.name.value == "deprecated":
            deprecated = str(given.get("reason", "No longer supported"))
        elif used.name.value == "specifiedBy":
            facts.append(f"specifiedBy {given.get('url')}")
        elif (name := used.name.value.removeprefix("federation__")) in {"oneOf", "inaccessible", "external"}:
            facts.append(name)
    described = _says_something(node.name.value, getattr(node, "description", None))
    return Element(kind, deprecated=deprecated, described=described, facts=tuple(facts), line=place(node)[0], **more)


def _says_something(name: str, description: Any) -> bool:
    if description is None:
        return False
    text = str(description.value)
    bare = re.sub(r"\W|_", "", text).lower()
    return bool(bare) and bare != re.sub(r"\W|_", "", name).lower() and not _PLACEHOLDER.fullmatch(text)
