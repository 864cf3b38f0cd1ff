"""Snapshots: the state of a long stream at some version, so that only later events are read.

They are an aid and no source: whoever drops the table loses nothing, and a snapshot that other code wrote is passed over.
"""

from uuid import UUID

import msgspec

from certify_stack.erp.finance import event_store, invoice
from certify_stack.erp.finance.invoice import Invoice
from certify_stack.kit.database import Connection

EVERY = 25
# Raised whenever ``Invoice`` or what its events do to it changes.
SHAPE = 1
READ = "SELECT state FROM snapshot WHERE stream_id = $1 AND shape = $2"
WRITE = """
    INSERT INTO snapshot (stream_id, stream_version, shape, state) VALUES ($1, $2, $3, $4::jsonb)
    ON CONFLICT (stream_id) DO UPDATE SET stream_version = excluded.stream_version, shape = excluded.shape,
        state = excluded.state
"""


async def load(connection: Connection, stream_id: UUID) -> Invoice | None:
    """Return the state of an invoice from its last snapshot and the events after it."""
    kept = await connection.fetchval(READ, stream_id, SHAPE)
    state = None if kept is None else msgspec.json.decode(kept, type=Invoice)
    recorded = await event_store.stream(connection, stream_id, after=state.version if state else 0)
    if state is None and recorded and not invoice.starts(recorded[0].event):
        return None
    return invoice.replay((item.event for item in recorded), state)


async def keep(connection: Connection, stream_id: UUID, state: Invoice, added: int) -> None:
    """Write a snapshot if the last ``added`` events passed a version that gets one."""
    if state.version // EVERY > (state.version - added) // EVERY:
        encoded = msgspec.json.encode(state).decode()
        await connection.execute(WRITE, stream_id, state.version, SHAPE, encoded)
