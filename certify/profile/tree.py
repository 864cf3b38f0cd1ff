"""A document as a tree in which every value knows its line."""

from typing import Any

import msgspec

from certify.model.limit import Origin


class Node(msgspec.Struct, frozen=True):
    """A value with its place; a mapping's `value` is `dict[str, Node]`, a sequence's `list[Node]`.

    Attributes:
        key: where the value's key stands; for what has no key, where the value stands.
    """

    value: Any
    origin: Origin = Origin()
    key: Origin = Origin()

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, *path: str | int) -> "Node | None":
        """The node at `path`, if there is one."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def nearest(self, *path: str | int) -> "Node":
        """The node at `path`, or the last one on the way to it."""
        node = self
        for step in path:
            found = node.child(step)
            if found is None:
                break
            node = found
        return node

    def entries(self, *path: str | int) -> "dict[str, Node]":
        """The mapping at `path`; empty when there is none."""
        node = self.at(*path)
        return node.value if node and isinstance(node.value, dict) else {}

    def items(self, *path: str | int) -> "list[Node]":
        """The sequence at `path`; empty when there is none."""
        node = self.at(*path)
        return node.value if node and isinstance(node.value, list) else []

    def child(self, step: str | int) -> "Node | None":
        """The value of a key, or of an index."""
        if isinstance(self.value, dict):
            return self.value.get(step) if isinstance(step, str) else None
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            child = self.value[step]
            return child if isinstance(child, Node) else None
        return None
