"""Asks every subgraph for every entity by every key: ids that exist, and ids that nobody has."""

import asyncio
from typing import Any, Final
from uuid import UUID

import graphql as gql

from certify_checks.federation import fieldsets
from certify_checks.federation.harvest import AT_ONCE, Ask, Pool, broken
from certify_checks.federation.model import Answered, Resolved
from certify_checks.federation.sdl import Subschema, TypeInfo, named
from certify_checks.http import GraphQLAnswer

# How many objects each key is tried with.
TRIED: Final = 3
NOBODY: Final = UUID("00000000-0000-4000-8000-00000000dead")


async def resolve(ask: dict[str, Ask], schemas: tuple[Subschema, ...], pool: Pool) -> tuple[Resolved, ...]:
    """Each key of each subgraph in `ask`, resolved through `_entities`."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(schema: Subschema, info: TypeInfo, key: str) -> Resolved:
        async with turn:
            return await _resolved(ask[schema.name], schema, info, key, pool)

    wanted = [
        (schema, info, text)
        for schema in schemas
        if schema.name in ask
        for info in schema.types.values()
        for text, resolvable, _ in (fieldsets.keys(schema, info) if info.kind == "object" else ())
        if resolvable
    ]
    return tuple(await asyncio.gather(*(one(*each) for each in wanted)))


async def _resolved(ask: Ask, schema: Subschema, info: TypeInfo, key: str, pool: Pool) -> Resolved:
    known = _representations(pool.get(info.name, ()), info.name, key)[:TRIED]
    found = Resolved(schema.name, info.name, key)
    if not known:
        return found
    leaves = [name for name, field in info.fields.items() if _is_leaf(schema, field)]
    query = (
        "query Certify($them: [_Any!]!) { _entities(representations: $them) { __typename "
        f"... on {info.name} {{ {key} {' '.join(leaves)} }} }} }}"
    )
    told = tuple([_known(await ask(query, {"them": [one]}), one) for one in known])
    nobody = _altered(known[0])
    unknown = Answered("untried") if nobody is None else _unknown(await ask(query, {"them": [nobody]}), nobody)
    return Resolved(schema.name, info.name, key, told, unknown)


def _is_leaf(schema: Subschema, field: Any) -> bool:
    target = schema.types.get(named(field.type))
    needs = any(isinstance(a.type, gql.NonNullTypeNode) and a.default_value is None for a in field.arguments or ())
    external = schema.applied(field, "external") or schema.applied(field, "requires")
    return not needs and not external and (target is None or target.kind in {"enum", "scalar"})


def _representations(objects: Any, name: str, key: str) -> list[dict[str, Any]]:
    try:
        wanted = fieldsets.selections(key)
    except gql.GraphQLError:
        return []
    made = [_projected(one, wanted) for one in objects]
    found: list[dict[str, Any]] = []
    for one in made:
        if one and {"__typename": name} | one not in found:
            found.append({"__typename": name} | one)
    return found


def _projected(value: Any, wanted: Any) -> dict[str, Any] | None:
    """What a field set selects of an object; None when the object does not have all of it."""
    if not isinstance(value, dict):
        return None
    made: dict[str, Any] = {}
    for part in wanted.selections:
        if not isinstance(part, gql.FieldNode) or value.get(part.name.value) is None:
            return None
        inner = value[part.name.value]
        made[part.name.value] = _projected(inner, part.selection_set) if part.selection_set else inner
        if made[part.name.value] is None:
            return None
    return made


def _altered(known: dict[str, Any]) -> dict[str, Any] | None:
    """The same key with an id that nobody has, of the same form; None when its form is not known."""
    for name, value in known.items():
        if name == "__typename":
            continue
        if isinstance(value, bool | dict):
            continue
        if isinstance(value, int):
            return known | {name: 2_000_000_011}
        return known | {name: _nobody(str(value))}
    return None


def _nobody(value: str) -> str:
    try:
        UUID(value)
    except ValueError:
        return "2000000011" if value.isdigit() else "certify-nobody"
    return str(NOBODY)


def _known(answer: GraphQLAnswer, asked: dict[str, Any]) -> Answered:
    entity = _entity(answer)
    if entity is None or entity == {}:
        return _empty(answer)
    if entity.get("__typename") != asked["__typename"]:
        return Answered("wrong-type", f"it is a {entity.get('__typename')}")
    if any(entity.get(name) != value for name, value in asked.items()):
        return Answered("wrong-entity", "its key is another than was asked for")
    return Answered("resolved")


def _unknown(answer: GraphQLAnswer, asked: dict[str, Any]) -> Answered:
    entity = _entity(answer)
    if entity is None or entity == {}:
        return _empty(answer)
    # A subgraph that owns nothing of an entity may give back the key: it cannot know better.
    more = {name for name, value in entity.items() if name not in asked and value is not None}
    return Answered("invented", f"it has {', '.join(sorted(more))}") if more else Answered("resolved")


def _empty(answer: GraphQLAnswer) -> Answered:
    if broken(answer):
        return Answered("crashed", answer.complaint)
    return Answered("refused", answer.complaint) if answer.errors or answer.status != 200 else Answered("null")


def _entity(answer: GraphQLAnswer) -> dict[str, Any] | None:
    found = answer.data.get("_entities")
    one = found[0] if isinstance(found, list) and found else None
    return one if isinstance(one, dict) else None
