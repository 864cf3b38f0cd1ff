"""Compares two graphs: what changed, and whether clients or other subgraphs break by it.

Where this differs from graphql-core's `find_breaking_changes` and `find_dangerous_changes`, docs/checks/federation.md
says why.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from certify_checks.federation.elements import EXECUTABLE, Element, Elements
from certify_checks.federation.model import Graph, Joined
from certify_checks.federation.positions import Positions, positions


class Level(StrEnum):
    """What a change does to those who use what changed."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


class Change(msgspec.Struct, frozen=True):
    """One change. `used_by`: coordinates of the baseline whose callers it concerns."""

    code: str
    level: Level
    coordinate: str
    message: str
    used_by: tuple[str, ...] = ()


_DATE: Final = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_CHILD: Final = re.compile(r"(?P<parent>.+?)(?:\.\w+|\(\w+:\)| [|&] \w+)$")
_REQUIRED: Final = {"argument", "input field"}


def parent(coordinate: str) -> str:
    """`Type.field(argument:)` -> `Type.field` -> `Type` -> nothing."""
    found = _CHILD.fullmatch(coordinate)
    return found["parent"] if found else ""


def compare(old: Graph, new: Graph, today: str) -> list[Change]:
    """Every change from `old` to `new`, worst first; `today` in ISO 8601 decides about announced removals."""
    where = positions(old.elements)
    changes = [
        *_of_elements(old.elements, new.elements, where, today),
        *_of_joins(old.joined, new.joined, new.elements),
    ]
    order = list(Level)
    return sorted(changes, key=lambda change: (order.index(change.level), change.coordinate, change.code))


def _of_elements(old: Elements, new: Elements, where: Positions, today: str) -> Iterator[Change]:
    for coordinate, element in old.items():
        now = new.get(coordinate)
        if now is None:
            if parent(coordinate) in new or not parent(coordinate):
                yield _removed(coordinate, element, today)
        elif now.kind != element.kind:
            told = f"{coordinate} was of kind {element.kind} and is of kind {now.kind}"
            yield Change("kind-changed", Level.BREAKING, coordinate, told, (coordinate,))
        else:
            yield from _altered(coordinate, element, now)
    for coordinate, element in new.items():
        if coordinate not in old and (parent(coordinate) in old or not parent(coordinate)):
            yield _added(coordinate, element, old, where)


def _removed(coordinate: str, element: Element, today: str) -> Change:
    level, told = Level.BREAKING, f"the {element.kind} {coordinate} was removed"
    if element.kind == "directive" and not EXECUTABLE & set(element.facts):
        # No operation can use it.
        return Change("directive-removed", Level.SAFE, coordinate, told)
    if element.deprecated is not None:
        announced = _DATE.search(element.deprecated)
        if announced and announced[1] < today:
            level, told = Level.SAFE, f"{told}, as announced for {announced[1]}"
        else:
            told += "; it was deprecated" + (f", and may go after {announced[1]}" if announced else " without a date")
    code = f"{element.kind.replace(' ', '-')}-removed"
    return Change(code, level, coordinate, told, (coordinate,))


def _added(coordinate: str, element: Element, old: Elements, where: Positions) -> Change:
    code, told = f"{element.kind.replace(' ', '-')}-added", f"the {element.kind} {coordinate} is new"
    above = parent(coordinate)
    if element.kind in _REQUIRED and _required(element):
        return Change(f"required-{code}", Level.BREAKING, coordinate, f"{told} and required", (above,))
    if element.kind == "value" and where.output(above):
        return Change(code, Level.DANGEROUS, coordinate, f"{told}: who reads {above} may not know it", (above,))
    if element.kind in {"member", "implementation"}:
        named = re.split(r" [|&] ", coordinate)[0 if element.kind == "member" else 1]
        level = Level.DANGEROUS if named in old else Level.SAFE
        return Change(code, level, coordinate, f"{told}: who reads {named} may not know it", (named,))
    return Change(code, Level.SAFE, coordinate, told)


def _required(element: Element) -> bool:
    return element.type.endswith("!") and element.default is None


def _altered(coordinate: str, old: Element, new: Element) -> Iterator[Change]:
    if old.kind in _REQUIRED:
        yield from _given(coordinate, old, new)
    elif old.type != new.type:
        level = Level.SAFE if _output_fits(old.type, new.type) else Level.BREAKING
        told = f"{coordinate} was {old.type} and is {new.type}"
        yield Change("type-changed", level, coordinate, told, (coordinate,))
    yield from _facts(coordinate, old, new)
    if old.deprecated is None and new.deprecated is not None:
        yield Change("deprecated", Level.SAFE, coordinate, f"{coordinate} is deprecated: {new.deprecated[:200]}")


def _given(coordinate: str, old: Element, new: Element) -> Iterator[Change]:
    above = parent(coordinate)
    if _required(new) and not _required(old):
        told = f"{coordinate} was {_written(old)} and is required: {_written(new)}"
        # Only who leaves it out breaks, as long as the type fits otherwise.
        users = (f"!{coordinate}",) if _input_fits(old.type.removesuffix("!"), new.type.removesuffix("!")) else (above,)
        yield Change("made-required", Level.BREAKING, coordinate, told, users)
    elif old.type != new.type:
        level = Level.SAFE if _input_fits(old.type, new.type) else Level.BREAKING
        # A default makes up for what is left out, but not for a null: that is in the types.
        told = f"{coordinate} was {_written(old)} and is {_written(new)}"
        yield Change("type-changed", level, coordinate, told, (coordinate,))
    elif old.default != new.default and not _required(old):
        told = f"{coordinate} was {_written(old)} and is {_written(new)}: who leaves it out gets something else"
        yield Change("default-changed", Level.DANGEROUS, coordinate, told, (f"!{coordinate}",))


def _written(element: Element) -> str:
    return element.type + ("" if element.default is None else f" = {element.default}")


def _output_fits(old: str, new: str) -> bool:
    """Whether what is now answered is what was promised: non-null where it was nullable, at any depth."""
    if new.endswith("!"):
        return _output_fits(old.removesuffix("!"), new[:-1])
    if old.endswith("!"):
        return False
    if old.startswith("[") and new.startswith("["):
        return _output_fits(old[1:-1], new[1:-1])
    return old == new


def _input_fits(old: str, new: str) -> bool:
    """Whether what was accepted still is: nullable where it was non-null, at any depth, or a list of it."""
    if old.endswith("!"):
        return _input_fits(old[:-1], new.removesuffix("!"))
    if new.endswith("!"):
        return False
    if new.startswith("["):
        return _input_fits(old[1:-1], new[1:-1]) if old.startswith("[") else False
    return old == new


def _facts(coordinate: str, old: Element, new: Element) -> Iterator[Change]:
    before, now = set(old.facts), set(new.facts)
    if "oneOf" in now - before:
        told = f"{coordinate} is @oneOf now: exactly one of its fields must be given"
        yield Change("one-of-added", Level.BREAKING, coordinate, told, (coordinate,))
    if old.kind == "directive":
        yield from _directive(coordinate, before, now)
    was, known = _specified(before), _specified(now)
    if was and was != known:
        told = f"{coordinate} was specified by {was}, and is by {known or 'nothing'}: its values may differ"
        yield Change("specified-by-changed", Level.DANGEROUS, coordinate, told, (coordinate,))


def _specified(facts: set[str]) -> str:
    return next((fact.partition(" ")[2] for fact in facts if fact.startswith("specifiedBy ")), "")


def _directive(coordinate: str, before: set[str], now: set[str]) -> Iterator[Change]:
    if "repeatable" in before - now:
        level = Level.BREAKING if EXECUTABLE & before else Level.SAFE
        yield Change("repeatable-dropped", level, coordinate, f"{coordinate} may be given only once now", (coordinate,))
    for place in sorted((before - now) - {"repeatable"}):
        level = Level.BREAKING if place in EXECUTABLE else Level.SAFE
        yield Change(
            "location-removed", level, coordinate, f"{coordinate} is not allowed on {place} now", (coordinate,)
        )


def _of_joins(old: Joined, new: Joined, elements: Elements) -> Iterator[Change]:
    if not old.subgraphs or not new.subgraphs:
        return
    for name in old.subgraphs:
        if name not in new.subgraphs:
            yield Change("subgraph-removed", Level.DANGEROUS, "", f"the subgraph {name} is gone")
    for name, before in old.keys.items():
        for key in before:
            if name in elements and key not in new.keys.get(name, ()) and key.partition(":")[0] in new.subgraphs:
                told = f"{name} had the key {key}: other subgraphs that refer to it by this key cannot any more"
                yield Change("key-removed", Level.DANGEROUS, name, told)
    for coordinate, owners in old.owners.items():
        now = new.owners.get(coordinate)
        if now and not set(owners) & set(now) and coordinate in elements:
            told = f"{coordinate} moved from {', '.join(owners)} to {', '.join(now)}"
            yield Change("field-moved", Level.DANGEROUS, coordinate, told, (coordinate,))
