"""The outbox relay: brings what happened to the audit service, at least once, also when that was away for a while."""

import asyncio
import logging
from typing import Any

import msgspec

from certify_stack.kit.background import Supervised
from certify_stack.kit.client import CallError
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

RECORD = "mutation Record($input: AuditEntryInput!) { recordAuditEntry(input: $input) { id } }"
PENDING = "SELECT id, payload, headers FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1"
SENT = "UPDATE outbox SET sent_at = now() WHERE id = $1"
BATCH = 50
IDLE = 0.2
LONGEST_PAUSE = 5.0
WAKE = "outbox"


async def relay(runtime: Runtime, supervised: Supervised) -> None:
    """Send waiting entries in order, for ever; pauses grow while the audit service refuses or is away."""
    wake = runtime.shared.setdefault(WAKE, asyncio.Event())
    pause = IDLE
    while True:
        try:
            sent = await send_waiting(runtime)
        except CallError as error:
            supervised.beat(str(error))
            if pause == IDLE:
                log.warning("relay waits", extra={"cause": str(error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        supervised.beat()
        pause = IDLE
        if sent < BATCH:
            await _rest(wake)


async def send_waiting(runtime: Runtime) -> int:
    """Send up to a batch of entries and return how many were sent.

    Raises:
        CallError: The audit service did not take an entry; it and those after it stay.
    """
    rows = await runtime.database.fetch(PENDING, BATCH)
    for row in rows:
        payload: dict[str, Any] = msgspec.json.decode(row["payload"])
        parent: dict[str, str] = msgspec.json.decode(row["headers"])
        await runtime.client.graphql("audit", RECORD, {"input": payload}, parent)
        await runtime.database.fetch(SENT, row["id"])
    return len(rows)


def notify(runtime: Runtime) -> None:
    """Tell the relay that there is something to send."""
    wake = runtime.shared.get(WAKE)
    if wake is not None:
        wake.set()


async def _rest(wake: asyncio.Event) -> None:
    """Sleep until something is to be sent, but not for long: another process may have written it."""
    try:
        async with asyncio.timeout(IDLE):
            await wake.wait()
    except TimeoutError:
        return
    finally:
        wake.clear()
