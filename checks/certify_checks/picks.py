"""Values found in the stack, for the variables of operations that a profile lists."""

from collections.abc import Mapping
from typing import Any

import httpx

from certify.api import CheckConfig
from certify_checks.http import GATEWAY, Client, describe
from certify_checks.variables import at_path


class Pick(CheckConfig, frozen=True):
    """Values found in the stack before it is asked: a query, and the dotted path of the values in its `data`."""

    query: str
    path: str
    role: str = ""


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
    found = at_path(answer.data, pick.path)
    if not found:
        raise PickError(f"pick {name}: nothing at {pick.path}. {answer.complaint}".strip())
    return found
