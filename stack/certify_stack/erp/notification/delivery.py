"""Takes queued messages to their carriers: at least once, with growing pauses while a carrier is away."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind

from certify_stack.erp.notification.carriers import Carrier, LaterError, Letter, Mail, TextMessages, UndeliverableError
from certify_stack.erp.notification.telling import EMAIL, SMS
from certify_stack.kit.background import Supervised
from certify_stack.kit.client import CallError
from certify_stack.kit.database import AWAY
from certify_stack.kit.errors import UnavailableError
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

BATCH = 50
REST_SECONDS = 0.5
# How long a message stays away from others when whoever took it dies before it says how it ended.
LEASE = "1 minute"
TRIES = 10

CLAIM = f"""
    UPDATE delivery SET attempts = attempts + 1, next_at = now() + interval '{LEASE}' WHERE message_id IN (
        SELECT message_id FROM delivery WHERE next_at <= now() ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING message_id, channel, subject, traceparent, attempts
"""  # noqa: S608 - a constant of this module
MESSAGES = "SELECT id, customer_id, address, body FROM message WHERE id = ANY($1::uuid[])"
DONE = "UPDATE delivery SET next_at = NULL, trouble = $2 WHERE message_id = $1"
STATE = "UPDATE message SET state = $2, address = $3, sent_at = $4, updated_at = now() WHERE id = $1 RETURNING now()"
LATER = "UPDATE delivery SET next_at = now() + $2 * interval '1 second', trouble = $3 WHERE message_id = $1"
ADDRESSES = "query Addresses($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { id email phone } } }"
FIELD = {EMAIL: "email", SMS: "phone"}


async def deliver(runtime: Runtime, supervised: Supervised) -> None:
    """Deliver for ever. Without any carrier all messages wait."""
    carriers = carriers_of(runtime)
    try:
        while True:
            trouble, taken = None, 0
            try:
                taken = await deliver_due(runtime, carriers) if carriers else 0
            except (UnavailableError, *AWAY) as error:
                trouble = f"{type(error).__name__}: {error}"
            supervised.beat(trouble)
            if taken < BATCH:
                await asyncio.sleep(REST_SECONDS)
    finally:
        await asyncio.gather(*(carrier.close() for carrier in carriers.values()))


def carriers_of(runtime: Runtime) -> dict[str, Carrier]:
    """The carriers that the service was told of, by channel."""
    settings = runtime.settings
    found: dict[str, Carrier] = {}
    if settings.mail_server:
        found[EMAIL] = Mail(settings.mail_server)
    if settings.sms_provider:
        found[SMS] = TextMessages(settings.sms_provider)
    return found


async def deliver_due(runtime: Runtime, carriers: Mapping[str, Carrier]) -> int:
    """Take what is due to its carriers; returns how many messages were taken up."""
    claimed = await runtime.database.fetch(CLAIM, BATCH)
    if not claimed:
        return 0
    rows = await runtime.database.fetch(MESSAGES, [row["message_id"] for row in claimed])
    messages = {row["id"]: row for row in rows}
    known = await _addresses(runtime, {row["customer_id"] for row in rows if row["customer_id"]}, claimed)
    await asyncio.gather(*(_take(runtime, carriers, row, messages[row["message_id"]], known) for row in claimed))
    return len(claimed)


async def _addresses(
    runtime: Runtime, customers: Iterable[UUID], claimed: Sequence[Any]
) -> dict[UUID, Mapping[str, str | None]] | None:
    """Ask crm for the addresses of all of them at once; None when it does not answer."""
    keys = list(customers)
    if not keys:
        return {}
    asked = [{"__typename": "Customer", "id": str(key)} for key in keys]
    # The call belongs to what caused the first of the messages: a trace can have one parent only.
    parent = {"traceparent": claimed[0]["traceparent"] or ""}
    try:
        data = await runtime.client.graphql("crm", ADDRESSES, {"r": asked}, parent)
    except CallError as error:
        log.warning("addresses are not known", extra={"cause": str(error)})
        return None
    return {key: entity or {} for key, entity in zip(keys, data.get("_entities") or (), strict=True)}


async def _take(
    runtime: Runtime,
    carriers: Mapping[str, Carrier],
    row: Any,
    message: Any,
    known: Mapping[UUID, Mapping[str, str | None]] | None,
) -> None:
    """One message to its carrier, inside of the trace of what caused it."""
    channel, key = row["channel"], row["message_id"]
    about = {"messaging.system": channel.lower(), "messaging.operation.type": "send"}
    with runtime.tracing.span(f"deliver {channel}", SpanKind.CLIENT, about, {"traceparent": row["traceparent"] or ""}):
        if known is None or channel not in carriers:
            await _postpone(runtime, row, "crm does not answer" if known is None else "there is no such carrier")
            return
        customer = message["customer_id"]
        # Users are told at the address that came with the event.
        address = (known.get(customer) or {}).get(FIELD[channel]) or "" if customer else message["address"]
        try:
            await _hand_over(carriers[channel], Letter(key, address, row["subject"], message["body"]), FIELD[channel])
        except UndeliverableError as error:
            await _settle(runtime, key, "FAILED", address or f"customer:{message['customer_id']}", str(error))
        except LaterError as error:
            await _postpone(runtime, row, str(error))
        else:
            await _settle(runtime, key, "SENT", address, None)


async def _hand_over(carrier: Carrier, letter: Letter, field: str) -> None:
    if not letter.address:
        raise UndeliverableError(f"the customer has no {field}")
    await carrier.send(letter)


async def _postpone(runtime: Runtime, row: Any, why: str) -> None:
    """Come again, later each time; after the last time it has failed."""
    if row["attempts"] >= TRIES:
        await _settle(runtime, row["message_id"], "FAILED", "", why)
        return
    await runtime.database.fetch(LATER, row["message_id"], float(min(2 ** row["attempts"], 60)), why[:500])


async def _settle(runtime: Runtime, key: UUID, state: str, address: str, why: str | None) -> None:
    """Say how it ended, and tell others; together, so that nobody hears of what did not happen."""
    level = logging.INFO if state == "SENT" else logging.WARNING
    log.log(level, "message settled", extra={"message_id": key, "state": state, "cause": why})
    async with runtime.database.transaction() as connection:
        before = await connection.fetchrow("SELECT address, now() AS now FROM message WHERE id = $1", key)
        await connection.execute(DONE, key, why and why[:500])
        sent_at = before["now"] if state == "SENT" else None
        address = address or before["address"]
        await connection.execute(STATE, key, state, address[:200], sent_at)
        kind = "MessageSent" if state == "SENT" else "MessageFailed"
        data = {"address": address, "state": state, "cause": why}
        told = Event(type=kind, subject=key, subject_type="Message", data=data)
        await record(connection, "notification", "notification", [told])
