"""One subgraph's SDL as an index of types that rules can ask, with definitions and extensions merged."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import graphql as gql
import msgspec

FEDERATION: Final = "https://specs.apollo.dev/federation/"
LINK: Final = "https://specs.apollo.dev/link/"
ROOTS: Final = ("query", "mutation", "subscription")


class TypeInfo(msgspec.Struct):
    """One type: its kind (`object`, `interface`, `union`, `enum`, `input_object`, `scalar`) and all nodes that make it."""

    name: str
    kind: str
    nodes: list[Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Field or input field by name; the first of several."""
        found: dict[str, Any] = {}
        for field in self.listed("fields"):
            found.setdefault(field.name.value, field)
        return found

    @property
    def directives(self) -> list[Any]:
        """Directives on the type, extensions' too."""
        return self.listed("directives")

    def listed(self, attribute: str) -> list[Any]:
        """What all nodes have under `attribute`, in order."""
        return [part for node in self.nodes for part in getattr(node, attribute, None) or ()]


class Subschema(msgspec.Struct):
    """A parsed subgraph.

    Attributes:
        name: of the subgraph.
        document: all of it.
        types: by name.
        directives: name as written -> name in the federation specification, for those of the specification.
        links: the arguments of every `@link`, with its node.
        roots: `query` -> name of the root type, as far as it is there.
        implementers: interface -> object types that implement it in any of the subgraphs parsed together.
    """

    name: str
    document: Any
    types: dict[str, TypeInfo]
    directives: dict[str, str]
    links: list[tuple[dict[str, Any], Any]]
    roots: dict[str, str]
    implementers: dict[str, frozenset[str]] = {}

    def applied(self, node: Any, canonical: str) -> list[Any]:
        """The applications of one federation directive on a node or type, whatever the subgraph calls it."""
        return [used for used in node.directives or () if self.directives.get(used.name.value) == canonical]


def parse_all(sdls: Iterable[tuple[str, str]]) -> tuple[Subschema, ...]:
    """Parse all subgraphs, given as (name, SDL), that can be parsed, and relate them."""
    schemas = tuple(schema for name, sdl in sdls if (schema := parse(name, sdl)))
    implementers: dict[str, frozenset[str]] = {}
    for schema in schemas:
        for info in schema.types.values():
            for interface in info.listed("interfaces") if info.kind == "object" else ():
                name = interface.name.value
                implementers[name] = implementers.get(name, frozenset()) | {info.name}
    for schema in schemas:
        schema.implementers = implementers
    return schemas


@lru_cache(maxsize=512)
def document_of(sdl: str) -> Any:
    """The syntax tree of `sdl`, made once however many ask; None when it is no GraphQL."""
    try:
        return gql.parse(sdl)
    except (gql.GraphQLError, RecursionError):
        return None


def parse(name: str, sdl: str) -> Subschema | None:
    """Parse one subgraph; None when it is no GraphQL, which is the engine's to tell."""
    document = document_of(sdl)
    if document is None:
        return None
    links = [(_values(link), link) for node in document.definitions for link in _schema_directives(node, "link")]
    types: dict[str, TypeInfo] = {}
    for node in document.definitions:
        if isinstance(node, gql.TypeDefinitionNode | gql.TypeExtensionNode):
            kind = node.kind.removesuffix("_definition").removesuffix("_extension").removesuffix("_type")
            types.setdefault(node.name.value, TypeInfo(node.name.value, kind, [])).nodes.append(node)
    return Subschema(name, document, types, _directive_names(links), links, _roots(document, types))


def is_empty(sdl: str) -> bool:
    """Whether a text holds no definition: nothing, white space, comments."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in sdl.splitlines())


def _schema_directives(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, gql.SchemaDefinitionNode | gql.SchemaExtensionNode):
        yield from (used for used in node.directives or () if used.name.value == name)


def _values(used: Any) -> dict[str, Any]:
    return {given.name.value: gql.value_from_ast_untyped(given.value) for given in used.arguments or ()}


# What a subgraph without @link may use: the directives of Federation 1.
_FIRST: Final = ("key", "external", "requires", "provides", "extends", "tag", "inaccessible")


def _directive_names(links: list[tuple[dict[str, Any], Any]]) -> dict[str, str]:
    linked = [told for told, _ in links if str(told.get("url", "")).startswith(FEDERATION)]
    if not linked:
        return {name: name for name in _FIRST}
    names: dict[str, str] = {}
    for told in linked:
        prefix = told.get("as") or "federation"
        for element in told.get("import") or ():
            known, local = (element.get("name"), element.get("as")) if isinstance(element, dict) else (element, None)
            if isinstance(known, str) and known.startswith("@"):
                names[str(local or known).removeprefix("@")] = known[1:]
        names |= {f"{prefix}__{name}": name for name in DIRECTIVES}
    return names


DIRECTIVES: Final = (
    *_FIRST,
    *("shareable", "override", "composeDirective", "interfaceObject", "authenticated", "requiresScopes", "policy"),
    *("context", "fromContext", "cost", "listSize"),
)


def _roots(document: Any, types: dict[str, TypeInfo]) -> dict[str, str]:
    named = {
        operation.operation.value: operation.type.name.value
        for node in document.definitions
        if isinstance(node, gql.SchemaDefinitionNode | gql.SchemaExtensionNode)
        for operation in node.operation_types or ()
    }
    defined = any(isinstance(node, gql.SchemaDefinitionNode) and node.operation_types for node in document.definitions)
    usual = {} if defined else {root: root.title() for root in ROOTS if root.title() in types}
    return usual | named


def named(reference: Any) -> str:
    """The name of a type reference without its lists and non-nulls."""
    while not isinstance(reference, gql.NamedTypeNode):
        reference = reference.type
    return str(reference.name.value)


def is_list(reference: Any) -> bool:
    """Whether a type reference is a list, null or not."""
    inner = reference.type if isinstance(reference, gql.NonNullTypeNode) else reference
    return isinstance(inner, gql.ListTypeNode)


def argument(used: Any, name: str) -> Any:
    """The value node of a directive's argument, if given."""
    return next((given.value for given in used.arguments or () if given.name.value == name), None)


def place(node: Any) -> tuple[int, int]:
    """Line and column of a node, from 1."""
    token = node.loc.start_token if node.loc else None
    return (token.line, token.column) if token else (0, 0)
