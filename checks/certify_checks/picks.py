"""Values found in the stack, for the variables of operations that a profile lists."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx
import msgspec

from certify.api import CheckConfig
from certify_checks.http import GATEWAY, Client, describe
from certify_checks.variables import at_path


class Pick(CheckConfig, frozen=True):
    """Values found in the stack before it is asked: a query, and the dotted path of the values in its `data`.

    `at_least`: field -> amount; only values beside which these fields are at least so high.
    """

    query: str
    path: str
    role: str = ""
    at_least: dict[str, str] = msgspec.field(default_factory=dict)


class PickError(RuntimeError):
    """A pick found nothing; the message says which, and what came back."""


async def find(client: Client, picks: Mapping[str, Pick], role: str) -> dict[str, list[Any]]:
    """The values of each pick, asked of the gateway as `role` where the pick names none.

    Raises:
        PickError: a query failed, or nothing lies at its path.
        LoginError: there is no token of a role.
    """
    return {
        name: await _find(client, name, pick, await client.token(pick.role or role)) for name, pick in picks.items()
    }


async def _find(client: Client, name: str, pick: Pick, token: str) -> list[Any]:
    try:
        answer = await client.graphql(GATEWAY, pick.query, token=token)
    except httpx.HTTPError as error:
        raise PickError(f"pick {name}: {describe(error)}") from error
    found = chosen(pick, answer.data)
    if not found:
        raise PickError(f"pick {name}: nothing at {pick.path}. {answer.complaint}".strip())
    return found


def chosen(pick: Pick, data: Any) -> list[Any]:
    """The values at the pick's path, of those entries that are high enough. Pure."""
    if not pick.at_least:
        return at_path(data, pick.path)
    parent, _, name = pick.path.rpartition(".")
    entries = at_path(data, parent) if parent else [data]
    return [value for entry in entries if _high_enough(entry, pick.at_least) for value in at_path(entry, name)]


def _high_enough(entry: Any, at_least: Mapping[str, str]) -> bool:
    try:
        return isinstance(entry, dict) and all(
            Decimal(str(entry.get(field))) >= Decimal(amount) for field, amount in at_least.items()
        )
    except InvalidOperation:
        return False
