"""YAML as a tree in which every value knows its line, read without the surprises of YAML 1.1.

Plain scalars follow the core schema of YAML 1.2, and less of it: `true`, `false`, `null`, decimal integers and
decimal fractions. `no`, `on`, `010`, `1:30` and `2026-01-31` stay the text that was written. Tags, merge keys, several
documents and duplicate keys are refused; anchors may be used, within bounds.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from certify.model.limit import Origin
from certify.profile.problem import Problem, ProfileError, quoted
from certify.profile.tree import Node

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_NODES: Final = 50_000

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_FAST: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_tree(content: bytes, file: str) -> Node:
    """The tree of a YAML file; `file` is the name for messages.

    Raises:
        ProfileError: too large, not UTF-8, not YAML, several documents, a tag, a duplicate key, a bomb of anchors.
    """
    if len(content) > MAX_BYTES:
        raise ProfileError([Problem(Origin(file), f"the file is larger than {MAX_BYTES >> 20} MiB")])
    text = _decode(content, file)
    try:
        builder = _Builder(yaml.parse(text, Loader=_FAST), file)
        node = builder.document()
    except yaml.YAMLError as error:
        raise ProfileError([_syntax_problem(_told_well(text, error), text, file)]) from None
    if builder.problems:
        raise ProfileError(builder.problems)
    return node


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        origin = Origin(file, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ProfileError([Problem(origin, message)]) from None


def _told_well(text: str, error: yaml.YAMLError) -> yaml.YAMLError:
    """The same error from PyYAML's own parser, whose sentences do not depend on the installed libyaml."""
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError as better:
        return better
    return error


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line = before.count("\n") + 1
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        return Problem(Origin(file, line, error.position - before.rfind("\n")), message)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    origin = Origin(file, mark.line + 1, mark.column + 1) if mark else Origin(file)
    lines = text.splitlines()
    indent = re.match(r"\s*", lines[mark.line] if mark and mark.line < len(lines) else "")
    if indent and "\t" in indent[0]:
        return Problem(origin, "a tab indents this line; YAML wants spaces")
    said = [part for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part]
    return Problem(origin, f"not YAML: {', '.join(said) or 'it cannot be read'}")


class _Builder:
    """Makes the tree of YAML events, bounded in depth and, across aliases, in size."""

    def __init__(self, events: Iterator[Event], file: str) -> None:
        self.problems: list[Problem] = []
        self._events = events
        self._file = file
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0

    def document(self) -> Node:
        next(self._events)
        if not isinstance(next(self._events), DocumentStartEvent):
            raise self._refusal(Origin(self._file), "the file is empty; a profile begins with 'profile: NAME'")
        node = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if isinstance(after, DocumentStartEvent):
            raise self._refusal(self._origin(after), "a second document begins here; a file holds one profile")
        return node

    def _node(self, event: Event, depth: int) -> Node:
        origin = self._origin(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, origin)
        before = self._size
        self._grow(1, origin)
        if depth > MAX_DEPTH:
            raise self._refusal(origin, f"nested more than {MAX_DEPTH} deep")
        self._refuse_tag(event, origin)
        node = Node(self._value(event, depth), origin, origin)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = (node, self._size - before)
        return node

    def _value(self, event: Event, depth: int) -> Any:
        if isinstance(event, MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(depth)
        assert isinstance(event, ScalarEvent)  # noqa: S101 - the grammar of YAML events leaves nothing else
        return _resolved(event.value) if event.implicit[0] else event.value

    def _sequence(self, depth: int) -> list[Node]:
        found = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key, origin = self._key(event), self._origin(event)
            node = self._node(next(self._events), depth + 1)
            if key in found:
                first = found[key].key.line
                self.problems.append(Problem(origin, f"duplicate key {quoted(key)}; it stands in line {first} already"))
                continue
            found[key] = Node(node.value, node.origin, origin)
        return found

    def _key(self, event: Event) -> str:
        origin = self._origin(event)
        if not isinstance(event, ScalarEvent):
            raise self._refusal(origin, "a key must be plain text")
        self._refuse_tag(event, origin)
        if event.value == "<<" and event.implicit[0]:
            raise self._refusal(origin, "merge keys ('<<') are not read; use 'extends' or the stack's 'defaults'")
        return event.value

    def _alias(self, event: AliasEvent, origin: Origin) -> Node:
        if event.anchor not in self._anchors:
            raise self._refusal(origin, f"alias {quoted(f'*{event.anchor}')} has no finished anchor before it")
        node, size = self._anchors[event.anchor]
        self._grow(size, origin)
        return node

    def _grow(self, by: int, origin: Origin) -> None:
        self._size += by
        if self._size > MAX_NODES:
            raise self._refusal(
                origin, f"more than {MAX_NODES:,} values, aliases followed; nobody writes such a profile"
            )

    def _refuse_tag(self, event: Event, origin: Origin) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refusal(origin, f"tag {quoted(tag)} is not read; for text use quotes")

    def _origin(self, event: Event) -> Origin:
        mark = event.start_mark
        return Origin(self._file, mark.line + 1, mark.column + 1) if mark else Origin(self._file)

    def _refusal(self, origin: Origin, message: str) -> ProfileError:
        return ProfileError([*self.problems, Problem(origin, message)])


def _resolved(text: str) -> str | int | float | bool | None:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text
