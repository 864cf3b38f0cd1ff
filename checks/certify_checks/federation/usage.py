"""Reads recorded operations: who uses which part of a schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import graphql as gql
import msgspec

from certify_checks.federation.model import Usage
from certify_checks.federation.sdl import document_of

_DOCUMENTS: Final = frozenset({".graphql", ".gql"})
_LOGS: Final = frozenset({".jsonl", ".ndjson", ".json"})
_CALLERS: Final = ("client", "caller", "clientName")
# More callers than a reader would go through.
_NAMED: Final = 20


class Recorded(msgspec.Struct, frozen=True):
    """One operation and who sends it."""

    caller: str
    text: str


def recorded(folder: Path) -> tuple[list[Recorded], list[str]]:
    """The operations in a file or folder, and what could not be read.

    `*.graphql` and `*.gql` hold operations, and their name is the caller's; `*.jsonl`, `*.ndjson` and `*.json` a log: objects
    with `query` and, where known, `client`.
    """
    found: list[Recorded] = []
    problems: list[str] = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file() and path.suffix in _DOCUMENTS | _LOGS:
            name = path.relative_to(folder).as_posix() if folder.is_dir() else path.name
            try:
                text = path.read_text(encoding="utf-8")
                found += [Recorded(name, text)] if path.suffix in _DOCUMENTS else _of_log(name, text)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                problems.append(f"{name}: {error}")
    return found, problems


def _of_log(name: str, text: str) -> Iterator[Recorded]:
    if name.endswith(".json"):
        whole = msgspec.json.decode(text)
        entries = whole if isinstance(whole, list) else [whole]
    else:
        entries = [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    for entry in entries:
        query = entry.get("query") if isinstance(entry, dict) else None
        if not isinstance(query, str):
            raise ValueError("an entry is no object with `query`")  # noqa: TRY004 - wrong content, not a wrong call
        caller = next((str(entry[key]) for key in _CALLERS if entry.get(key)), name)
        yield Recorded(caller, query)


def usage(sdl: str, operations: list[Recorded], problems: list[str]) -> Usage:
    """What the operations use of the schema `sdl`, a public one or a supergraph."""
    document = document_of(sdl)
    if document is None or not operations:
        return Usage(0, {}, tuple(problems))
    schema = gql.build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    callers: dict[str, dict[str, None]] = {}
    read = 0
    for operation in operations:
        parsed = document_of(operation.text)
        if parsed is None:
            problems = [*problems, f"{operation.caller}: is no GraphQL"]
            continue
        read += 1
        for coordinate in _Uses(schema).of(parsed):
            callers.setdefault(coordinate, {})[operation.caller] = None
    return Usage(read, {name: tuple(sorted(who)[:_NAMED]) for name, who in sorted(callers.items())}, tuple(problems))


class _Uses(gql.Visitor):
    """Gathers coordinates; what is not in the schema is passed over."""

    def __init__(self, schema: gql.GraphQLSchema) -> None:
        super().__init__()
        self._info = gql.TypeInfo(schema)
        self._schema = schema
        self._found: set[str] = set()
        self._nullable: set[str] = set()

    def of(self, document: Any) -> set[str]:
        """What one document uses."""
        gql.visit(document, gql.TypeInfoVisitor(self._info, self))
        return self._found

    def enter_operation_definition(self, node: Any, *_: Any) -> None:
        """Note which variables may be null, and whatever an input object in a variable may leave out."""
        self._nullable = set()
        for variable in node.variable_definitions or ():
            if not isinstance(variable.type, gql.NonNullTypeNode):
                self._nullable.add(variable.variable.name.value)
            kind = gql.type_from_ast(self._schema, variable.type)
            self._of_input(gql.get_named_type(kind), set())

    def _of_input(self, kind: Any, seen: set[str]) -> None:
        """A variable's value is not known: any field may be given, any optional one left out."""
        if kind is None or kind.name in seen:
            return
        seen.add(kind.name)
        self._found.add(kind.name)
        if isinstance(kind, gql.GraphQLEnumType):
            self._found.update(f"{kind.name}.{value}" for value in kind.values)
        if isinstance(kind, gql.GraphQLInputObjectType):
            for name, field in kind.fields.items():
                self._found.update((f"{kind.name}.{name}", f"!{kind.name}.{name}"))
                self._of_input(gql.get_named_type(field.type), seen)

    def enter_field(self, node: Any, *_: Any) -> None:
        """Note the field, its types, the arguments that it leaves out or may give as null."""
        kind, field = self._info.get_parent_type(), self._info.get_field_def()
        if kind is None or field is None or node.name.value.startswith("__"):
            return
        coordinate = f"{kind.name}.{node.name.value}"
        self._found.update((kind.name, coordinate, gql.get_named_type(field.type).name))
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name in field.args:
            value = given.get(name)
            if value is None or isinstance(value, gql.NullValueNode) or self._may_be_null(value):
                self._found.add(f"!{coordinate}({name}:)")
            if value is not None:
                self._found.add(f"{coordinate}({name}:)")

    def _may_be_null(self, value: Any) -> bool:
        return isinstance(value, gql.VariableNode) and value.name.value in self._nullable

    def enter_named_type(self, node: Any, *_: Any) -> None:
        """Note the types that fragments and variables name; `Union | Type` and `Type & Interface` too."""
        name = node.name.value
        self._found.add(name)
        above = self._info.get_parent_type()
        if above is not None and above.name != name:
            self._found.update((f"{above.name} | {name}", f"{name} & {above.name}"))

    def enter_object_value(self, node: Any, *_: Any) -> None:
        """Note the fields of an input object written out, and those that it leaves out."""
        kind = gql.get_named_type(self._info.get_input_type())
        if isinstance(kind, gql.GraphQLInputObjectType):
            self._found.add(kind.name)
            given = {field.name.value: field.value for field in node.fields or ()}
            for name in kind.fields:
                value = given.get(name)
                if value is None or isinstance(value, gql.NullValueNode) or self._may_be_null(value):
                    self._found.add(f"!{kind.name}.{name}")
                if value is not None:
                    self._found.add(f"{kind.name}.{name}")

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        """Note the value."""
        kind = gql.get_named_type(self._info.get_input_type())
        if kind is not None:
            self._found.update((kind.name, f"{kind.name}.{node.value}"))

    def enter_directive(self, node: Any, *_: Any) -> None:
        """Note the directive and its arguments."""
        name = f"@{node.name.value}"
        self._found.update((name, *(f"{name}({given.name.value}:)" for given in node.arguments or ())))
