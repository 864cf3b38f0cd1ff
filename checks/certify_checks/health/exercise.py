"""Operations that make the services of a stack call each other: what the profile lists, filled and sent."""

import random
import secrets
import time
from typing import Any

import httpx
import msgspec

from certify.api import CheckConfig, Context
from certify_checks.heartbeat import Heartbeat
from certify_checks.http import GATEWAY, Client, bearer, describe, read_graphql
from certify_checks.picks import Pick, find
from certify_checks.variables import fill


class Operation(CheckConfig, frozen=True):
    """One GraphQL operation, sent once.

    In `variables`, a text `{NAME}` alone becomes a random value of the pick NAME, and `{unique}` inside a text becomes
    a number that no other request has. `service` answers it; the gateway where it names none.
    """

    name: str
    query: str
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    role: str = ""
    service: str = ""


class Exercise(CheckConfig, frozen=True):
    """What is asked of the stack so that each declared edge carries a call: picks first, then operations in order."""

    operations: tuple[Operation, ...] = ()
    picks: dict[str, Pick] = msgspec.field(default_factory=dict)
    role: str = "admin"


class Performed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one operation.

    Attributes:
        trace: the trace id that was sent with it, 32 hexadecimal digits.
        complaint: why it failed, text of a service; empty when it succeeded.
    """

    operation: str
    trace: str
    complaint: str = ""


async def perform(ctx: Context, client: Client, exercise: Exercise) -> tuple[Performed, ...]:
    """Send every operation once, each in a trace of its own; once more if it failed while this machine stood still.

    Raises:
        PickError: a pick found nothing.
        LoginError: there is no token of a role.
        KeyError: an operation names an unknown service.
    """
    values = await find(client, exercise.picks, exercise.role)
    chance = random.Random(ctx.seed)  # noqa: S311 - a repeatable choice, no secret
    run = f"{time.time_ns():x}"
    performed = []
    async with Heartbeat.beating() as heart:
        for number, operation in enumerate(exercise.operations):
            token = await client.token(operation.role or exercise.role)
            for attempt in range(2):
                unique = f"{run}{attempt * len(exercise.operations) + number:x}"
                variables = fill(operation.variables, values, chance, unique)
                since = time.perf_counter()
                sent = await _send(client, operation, variables, token)
                # While this machine stood still, services lost patience with each other: that says nothing of an edge.
                if not sent.complaint or not heart.lost(since):
                    break
            performed.append(sent)
    return tuple(performed)


async def _send(client: Client, operation: Operation, variables: dict[str, Any], token: str) -> Performed:
    trace = secrets.token_hex(16)
    headers = bearer(token) | {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    target = client.service(operation.service or GATEWAY)
    body = {"query": operation.query, "variables": variables}
    try:
        response = await client.post(target, target.graphql or "/graphql", body, headers=headers)
    except httpx.HTTPError as error:
        return Performed(operation.name, trace, describe(error))
    answer = read_graphql(response)
    return Performed(operation.name, trace, "" if answer.ok else answer.complaint or "null")
