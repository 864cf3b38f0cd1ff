"""Extending: documents laid over each other as trees, so that every value keeps the place where it was written."""

from collections.abc import Iterable
from typing import Final

import msgspec

from certify.profile.problem import Level, Problem, hint
from certify.profile.tree import Node

# key -> how many levels of mappings below it are laid over each other; deeper or other values are replaced whole
_LEVELS: Final = {"stack": 4, "checks": 2, "budgets": 1, "controls": 3}
_COLLECTED: Final = ("waivers", "sign_offs")
_KINDS_OF_STACK: Final = ("reference", "compose", "targets")
_INHERITED_BY_REPLACING: Final = ("prove", "limits", "with")


class Merged(msgspec.Struct):
    """Documents merged so far.

    Attributes:
        tree: the merged document.
        replaced: id of an inherited control -> the controls that took its place.
        problems: what is wrong, or worth a warning, in how they relate.
    """

    tree: Node
    replaced: dict[str, list[str]] = {}
    problems: list[Problem] = []


def merge_all(documents: Iterable[Node]) -> Merged:
    """Lay documents over each other, the most derived last."""
    merged = Merged(Node({}))
    for document in documents:
        _lay_over(merged, document)
    return merged


def overlay(base: Node | None, child: Node, levels: int) -> Node:
    """`child` over `base`: mappings are united down to `levels`, anything else is the child's; `null` adds nothing."""
    if levels and base is not None and child.value is None:
        return base
    if levels == 0 or base is None or not isinstance(base.value, dict) or not isinstance(child.value, dict):
        return child
    united = dict(base.value)
    for name, node in child.value.items():
        united[name] = overlay(united.get(name), node, levels - 1)
    return Node(united, child.origin, child.key)


def _lay_over(merged: Merged, document: Node) -> None:
    base = merged.tree.entries()
    result = {name: node for name, node in base.items() if name != "title"}
    for name, node in document.entries().items():
        if name == "controls":
            result[name] = _controls(merged, base.get(name), node)
        elif name in _COLLECTED:
            result[name] = _collect(base.get(name), node)
        elif name == "stack":
            result[name] = overlay(_without_kind(base.get(name), node), node, _LEVELS[name])
        elif name != "extends":
            result[name] = overlay(base.get(name), node, _LEVELS.get(name, 0))
    merged.tree = Node(result, document.origin, document.key)


def _collect(base: Node | None, child: Node) -> Node:
    inherited = base.items() if base else []
    known = [node.plain() for node in inherited]
    return Node([*inherited, *(node for node in child.items() if node.plain() not in known)], child.origin, child.key)


def _without_kind(base: Node | None, child: Node) -> Node | None:
    """The inherited stack without how it comes to be, when the child says that anew."""
    if base is None or not any(kind in child.entries() for kind in _KINDS_OF_STACK):
        return base
    kept = {name: node for name, node in base.entries().items() if name not in _KINDS_OF_STACK}
    return Node(kept, base.origin, base.key)


def _controls(merged: Merged, base: Node | None, child: Node) -> Node:
    inherited = base.entries() if base else {}
    targets = {name: _targets(merged, name, entry, inherited) for name, entry in child.entries().items()}
    result = {name: node for name, node in inherited.items() if name not in merged.replaced}
    for name, entry in child.entries().items():
        if name in merged.replaced:
            owners = ", ".join(merged.replaced[name])
            merged.problems.append(Problem(entry.key, f"control {name} was replaced by {owners}; change that one"))
            continue
        start = _start(inherited.get(name), [inherited[target] for target in targets[name]])
        whole = overlay(start, entry, _LEVELS["controls"] - 1)
        result[name] = Node(whole.value, whole.origin, inherited[name].key if name in inherited else entry.key)
        merged.problems.extend(_lost_proof(name, entry, {target: inherited[target] for target in targets[name]}))
    return Node(result, child.origin, child.key)


def _targets(merged: Merged, name: str, entry: Node, inherited: dict[str, Node]) -> list[str]:
    """The inherited controls whose place `name` takes."""
    found = []
    for node in entry.items("replaces"):
        target = node.value
        if target in inherited and target != name:
            merged.replaced.setdefault(target, []).append(name)
            found.append(target)
        else:
            message = f"control {name} replaces {target!r}, which is not an inherited control"
            known = set(inherited) - {name}
            merged.problems.append(Problem(node.origin, message + hint(target, known, offer=False)))
    return found


def _start(own: Node | None, replaced: list[Node]) -> Node | None:
    """What a control begins with: what it was before, over what the controls that it replaces pass on."""
    start: Node | None = None
    for old in replaced:
        passed_on = {key: node for key, node in old.entries().items() if key in _INHERITED_BY_REPLACING}
        if start and "prove" in passed_on:
            passed_on["prove"] = _collect(start.at("prove"), passed_on["prove"])
        start = overlay(start, Node(passed_on, old.origin, old.key), 2)
    return overlay(start, own, 2) if own else start


def _lost_proof(name: str, entry: Node, replaced: dict[str, Node]) -> Iterable[Problem]:
    mine = entry.at("prove")
    for target, old in replaced.items() if mine else ():
        lost = sorted({node.value for node in old.items("prove")} - {node.value for node in entry.items("prove")})
        if mine and lost:
            message = f"control {name} replaces {target} but no longer proves {', '.join(lost)}"
            yield Problem(mine.key, message, Level.WARNING)
