"""Asks the gateway for what can be asked without knowing anything, and gathers objects by type: ids, samples of values."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import graphql as gql
import httpx
import msgspec

from certify.api import Service
from certify_checks.http import Client, GraphQLAnswer, LoginError, describe

AT_ONCE: Final = 8
PAGE: Final = 20
_PAGES: Final = frozenset({"limit", "first", "take", "pagesize", "size", "count"})
_DENIED: Final = frozenset({"FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED", "ACCESS_DENIED"})
_BROKEN: Final = re.compile(r"internal (server )?error|unexpected error|unhandled", re.IGNORECASE)
Ask = Callable[[str, dict[str, Any]], Awaitable[GraphQLAnswer]]
Pool = dict[str, list[dict[str, Any]]]


class Asker:
    """Asks one service as whoever is allowed: the first role that is not denied."""

    def __init__(self, client: Client, service: Service, roles: Iterable[str]) -> None:
        self._client, self._service, self._roles = client, service, tuple(dict.fromkeys(roles))

    async def __call__(self, query: str, variables: dict[str, Any]) -> GraphQLAnswer:
        """The answer; what could not be sent, and what no role may, comes back as an answer with the reason."""
        answer = GraphQLAnswer(0, text="no role could log in")
        # Last without a token: the stack may want none.
        for role in (*self._roles, ""):
            try:
                token = await self._client.token(role) if role else ""
                if not role and answer.status:
                    break
                answer = await self._client.graphql(self._service, query, variables, token)
            except LoginError:
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return GraphQLAnswer(0, text=describe(error))
            if not denied(answer):
                return answer
        return answer


def denied(answer: GraphQLAnswer) -> bool:
    """Whether who asked was not allowed to."""
    return answer.status in {401, 403} or bool(codes(answer) & _DENIED)


def codes(answer: GraphQLAnswer) -> set[str]:
    """The codes of an answer's errors."""
    found = set()
    for error in answer.errors:
        more = error.get("extensions")
        if isinstance(more, dict):
            found.add(str(more.get("code", "")).upper())
    return found - {""}


def broken(answer: GraphQLAnswer) -> bool:
    """Whether the service failed, in contrast to having refused."""
    if answer.status >= 500 or not answer.status:
        return True
    internal = any(code.startswith("INTERNAL") for code in codes(answer))
    return bool(answer.errors) and (internal or bool(_BROKEN.search(answer.complaint)))


class Root(msgspec.Struct):
    """One field of a root type, as a question: `Query` or `Mutation`, and the field's definition."""

    kind: str
    name: str
    field: Any

    @property
    def coordinate(self) -> str:
        """Such as `Query.invoices`."""
        return f"{self.kind}.{self.name}"

    @property
    def type(self) -> Any:
        """What it gives, without lists and non-nulls."""
        return gql.get_named_type(self.field.type)

    @property
    def required(self) -> dict[str, Any]:
        """Its required arguments."""
        return {name: given for name, given in self.field.args.items() if gql.is_required_argument(given)}

    def question(self, values: dict[str, Any]) -> str:
        """The operation that asks for it with these arguments, as variables."""
        declared = ", ".join(f"${name}: {self.field.args[name].type}" for name in values)
        given = ", ".join(f"{name}: ${name}" for name in values)
        wanted = selection(self.type)
        head = f"({declared})" if declared else ""
        return f"{self.kind.lower()} Certify{head} {{ it: {self.name}{f'({given})' if given else ''} {wanted} }}"


def roots(schema: gql.GraphQLSchema) -> list[Root]:
    """Every field of the query and mutation types."""
    types = (("Query", schema.query_type), ("Mutation", schema.mutation_type))
    return [Root(kind, name, field) for kind, root in types if root for name, field in root.fields.items()]


def selection(kind: Any, depth: int = 1) -> str:
    """All leaves of a type that need no argument, and the ids of what it leads to; empty for a leaf."""
    if gql.is_leaf_type(kind):
        return ""
    parts = ["__typename"]
    # What has no id cannot be asked for again, so all of it is taken along.
    fields = getattr(kind, "fields", {})
    whole = depth or not any(gql.get_named_type(field.type).name == "ID" for field in fields.values())
    for name, field in fields.items():
        if any(gql.is_required_argument(given) for given in field.args.values()):
            continue
        target = gql.get_named_type(field.type)
        if gql.is_leaf_type(target):
            if whole or target.name == "ID":
                parts.append(name)
        elif depth and hasattr(target, "fields"):
            parts.append(f"{name} {selection(target, 0)}")
    return f"{{ {' '.join(parts)} }}"


def gather(pool: Pool, value: Any) -> None:
    """Add every object in an answer to the pool, by its `__typename`."""
    if isinstance(value, list):
        for one in value:
            gather(pool, one)
    elif isinstance(value, dict):
        name = value.get("__typename")
        if isinstance(name, str):
            found = pool.setdefault(name, [])
            if value not in found and len(found) < PAGE * 5:
                # What has more to tell goes first.
                found.append(value)
                found.sort(key=len, reverse=True)
        for one in value.values():
            if isinstance(one, dict | list):
                gather(pool, one)


async def harvest(ask: Ask, wanted: list[Root]) -> tuple[Pool, dict[str, GraphQLAnswer]]:
    """Ask for all queries in `wanted` that need no argument: objects by type, answers by coordinate."""
    pool: Pool = {}
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(root: Root) -> tuple[str, GraphQLAnswer]:
        values = {name: PAGE for name in root.field.args if name.lower() in _PAGES}
        async with turn:
            return root.coordinate, await ask(root.question(values), values)

    plain = [root for root in wanted if root.kind == "Query" and not root.required]
    answers = dict(await asyncio.gather(*(one(root) for root in plain)))
    for answer in answers.values():
        gather(pool, answer.data.get("it"))
    return pool, answers
