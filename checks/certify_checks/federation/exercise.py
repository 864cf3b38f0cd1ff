"""Calls every root field through the gateway: with ids that exist, and changes only what this check has made itself."""

import asyncio
import random
import re
from collections.abc import Mapping
from typing import Any, Final

import graphql as gql
import msgspec

from certify_checks.federation.fill import Filler, UnfilledError
from certify_checks.federation.harvest import Ask, Pool, Root, broken, codes, denied, gather
from certify_checks.federation.model import Call
from certify_checks.http import GraphQLAnswer

ROUNDS: Final = 4
# Ids that a query is tried with.
TRIED: Final = 4
_STUB: Final = re.compile(
    r"not\W{0,2}(yet\W)?implemented|unimplemented|notimplementederror|\bto\W?do\b|\bstub\b", re.IGNORECASE
)
_LAST: Final = re.compile(r"(delete|remove|destroy|purge|erase|drop)[A-Z_]?")
# Seconds until what was changed must have come through.
SETTLE: Final = 5
_IDLE: Final = frozenset({"empty", "null", "unfilled"})
_FINAL: Final = frozenset({"answered", "stub", "constant", "null-where-data", "empty-where-data"})


class Plan(msgspec.Struct, frozen=True):
    """What may be called with what: `values` for arguments by coordinate or name, `left_out` fields with the reason."""

    values: Mapping[str, Any] = {}
    left_out: Mapping[str, str] = {}
    mutate: bool = False
    seed: int = 0


async def exercise(
    ask: Ask, schema: gql.GraphQLSchema, wanted: list[Root], found: tuple[Pool, dict[str, GraphQLAnswer]], plan: Plan
) -> tuple[Call, ...]:
    """One call for each root field; `found` is what `harvest` found already."""
    pool, answers = found
    made: Pool = {}
    filler = Filler(pool, made, plan.values, random.Random(plan.seed), _types(schema))  # noqa: S311 - no secret
    calls: dict[str, Call] = {}
    for root in wanted:
        if root.coordinate in plan.left_out:
            calls[root.coordinate] = Call(root.coordinate, "left-out", plan.left_out[root.coordinate])
        elif root.coordinate in answers:
            calls[root.coordinate] = _of_answer(root, answers[root.coordinate], pool)
        elif root.kind == "Query":
            calls[root.coordinate] = await _query(ask, root, filler, pool)
        elif not plan.mutate:
            calls[root.coordinate] = Call(root.coordinate, "not-disposable", "the stack is not declared disposable")
    mutations = [root for root in wanted if root.coordinate not in calls]
    first, last = _in_order(mutations)
    calls |= await _mutations(ask, first, filler, made)
    calls |= await _forgotten(ask, first, wanted, calls, made)
    calls |= await _fresh(ask, last, first, filler, made)
    if mutations:
        await _again(ask, [root for root in wanted if root.coordinate in calls], filler, pool, calls)
    return tuple(calls[root.coordinate] for root in wanted)


async def _again(ask: Ask, wanted: list[Root], filler: Filler, pool: Pool, calls: dict[str, Call]) -> None:
    """Queries that had nothing to tell: what was changed meanwhile may be told by now, also by way of events."""
    for _ in range(SETTLE):
        left = [root for root in wanted if root.kind == "Query" and calls[root.coordinate].how in _IDLE]
        if not left:
            return
        await asyncio.sleep(1)
        # Lists first, because they find the ids that the others need.
        for root in sorted(left, key=lambda root: len(root.required)):
            if root.required:
                calls[root.coordinate] = await _query(ask, root, filler, pool)
            else:
                answer = await ask(root.question({}), {})
                gather(pool, answer.data.get("it"))
                calls[root.coordinate] = _of_answer(root, answer, pool)


def _types(schema: gql.GraphQLSchema) -> dict[str, Any]:
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if isinstance(kind, gql.GraphQLObjectType) and not name.startswith("_")
    }


def _in_order(mutations: list[Root]) -> tuple[list[Root], list[Root]]:
    """First what makes things and what changes them, last what takes them away."""
    last = [root for root in mutations if _LAST.match(root.name)]
    changes = [root for root in mutations if root not in last and "id" in root.required]
    return [*(root for root in mutations if root not in last and root not in changes), *changes], last


async def _query(ask: Ask, root: Root, filler: Filler, pool: Pool) -> Call:
    """With several ids, as long as it gives nothing; two that exist must not give the same."""
    seen: list[Any] = []
    call = Call(root.coordinate, "unfilled")
    filler.own_first = False
    for _ in range(TRIED):
        try:
            values = _values(root, filler, root.type.name, own=False)
        except UnfilledError as error:
            return Call(root.coordinate, "unfilled", str(error))
        answer = await ask(root.question(values), values)
        call = _of_answer(root, answer, pool, values)
        if call.how not in {"null", "empty", "answered"}:
            return call
        told = answer.data.get("it")
        wrong = _other(told, values)
        if wrong:
            return Call(root.coordinate, "constant", wrong)
        seen.append((values, told))
        if call.how == "answered":
            return call
    return call


def _other(told: Any, values: dict[str, Any]) -> str:
    """Why an object is not the one that was asked for."""
    if isinstance(told, dict) and "id" in values and told.get("id") not in {None, values["id"]}:
        return f"asked for {values['id']}, it gave {told['id']}"
    return ""


async def _mutations(ask: Ask, mutations: list[Root], filler: Filler, made: Pool) -> dict[str, Call]:
    """In rounds, as long as one more succeeds: what one makes, another needs."""
    calls: dict[str, Call] = {}
    for attempt in range(ROUNDS):
        left = [root for root in mutations if root.coordinate not in calls or calls[root.coordinate].how not in _FINAL]
        filler.own_first = attempt % 2 == 0
        for root in left:
            calls[root.coordinate] = await _mutation(ask, root, filler, made)
    return calls


async def _forgotten(
    ask: Ask, makers: list[Root], wanted: list[Root], calls: dict[str, Call], made: Pool
) -> dict[str, Call]:
    """What made something that cannot be asked for afterwards: it gave an id, and kept nothing."""
    # A query that gives nothing for what was there before says nothing of what is new.
    told = [root for root in wanted if root.kind == "Query" and calls[root.coordinate].how == "answered"]
    readers = {root.type.name: root for root in told if set(root.required) == {"id"}}
    found: dict[str, Call] = {}
    for maker in makers:
        name = maker.type.name
        answered = calls[maker.coordinate].how == "answered"
        if answered and "id" not in maker.required and name in readers and made.get(name):
            key = made[name][-1]["id"]
            if await _is_lost(ask, readers[name], key):
                found[maker.coordinate] = Call(
                    maker.coordinate, "forgotten", f"it made {name} {key}, which is not there"
                )
    return found


async def _is_lost(ask: Ask, reader: Root, key: Any) -> bool:
    """Whether a query gives null for an id; what comes by way of events may need a moment."""
    for _ in range(SETTLE):
        answer = await ask(reader.question({"id": key}), {"id": key})
        if not answer.ok or answer.data.get("it") is not None:
            return False
        await asyncio.sleep(1)
    return True


async def _fresh(ask: Ask, takers: list[Root], makers: list[Root], filler: Filler, made: Pool) -> dict[str, Call]:
    """What something refers to may have to stay, and leaves a gap where nobody insists: each takes away something new."""
    calls: dict[str, Call] = {}
    for root in takers:
        target = _target(root, filler)
        own = [maker for maker in makers if "id" not in maker.required and maker.type.name == target]
        for filler.own_first in (False, True):
            for maker in own:
                await _mutation(ask, maker, filler, made)
            calls[root.coordinate] = await _mutation(ask, root, filler, made)
            if calls[root.coordinate].how in _FINAL:
                break
    return calls


def _target(root: Root, filler: Filler) -> str:
    return str(root.type.name) if isinstance(root.type, gql.GraphQLObjectType) else filler.target(root.name)


async def _mutation(ask: Ask, root: Root, filler: Filler, made: Pool) -> Call:
    target = _target(root, filler)
    try:
        values = _values(root, filler, target, own=True)
    except UnfilledError as error:
        return Call(root.coordinate, "unfilled", str(error))
    answer = await ask(root.question(values), values)
    call = _of_answer(root, answer, {}, values)
    if call.how == "answered":
        told = answer.data.get("it")
        # Not what it refers to: that is somebody else's.
        if isinstance(told, dict) and told.get("id") and told not in made.setdefault(target, []):
            made[target].append(told)
        if _LAST.match(root.name):
            made[target] = [one for one in made.get(target, []) if one.get("id") != values.get("id")]
    return call


def _values(root: Root, filler: Filler, target: str, *, own: bool) -> dict[str, Any]:
    return {
        name: filler.argument(f"{root.coordinate}({name}:)", name, given.type, target, own=own)
        for name, given in root.required.items()
    }


def _of_answer(root: Root, answer: GraphQLAnswer, pool: Pool, values: Mapping[str, Any] | None = None) -> Call:
    """What an answer says of the field."""
    how = _unanswered(answer)
    if how:
        return Call(root.coordinate, how, answer.complaint)
    told = answer.data.get("it")
    if told is None:
        known = {one.get("id") for one in pool.get(root.type.name, ())}
        asked = (values or {}).get("id")
        return Call(root.coordinate, "null-where-data" if asked in known - {None} else "null")
    if told == []:
        return Call(root.coordinate, "empty-where-data" if pool.get(root.type.name) and not values else "empty")
    return Call(root.coordinate, "answered")


def _unanswered(answer: GraphQLAnswer) -> str:
    """How an answer is none; empty when it is one."""
    text = answer.complaint
    if answer.status == 501 or (not answer.ok and (_STUB.search(text) or "NOT_IMPLEMENTED" in codes(answer))):
        return "stub"
    if not denied(answer) and broken(answer):
        return "failed"
    return "refused" if answer.errors or answer.status != 200 else ""
