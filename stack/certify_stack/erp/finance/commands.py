"""Commands: lock, load, decide, append, project and note for audit, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
from opentelemetry import trace

from certify_stack.erp.finance import event_store, invoice, views
from certify_stack.erp.finance.event_store import NewEvent
from certify_stack.erp.finance.events import Recorded
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import ConflictError, NotFoundError
from certify_stack.kit.tracing import outgoing

INVOICE, PAYMENT = "Invoice", "Payment"
OUTBOX = "INSERT INTO outbox (event_id, payload, headers) VALUES ($1, $2::jsonb, $3::jsonb)"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a command runs."""

    actor: str


async def create_invoice(
    database: Database, caller: Caller, customer_id: UUID, currency: str, items: Sequence[invoice.Item]
) -> UUID:
    """Draw up an invoice and return its id.

    Raises:
        InvalidInputError: The invoice breaks a rule.
    """
    stream = uuid4()
    async with database.transaction() as connection:
        last = await event_store.lock(connection)
        serial: int = await connection.fetchval("SELECT nextval('invoice_number')")
        number = f"INV-{serial:08d}"
        created = invoice.create(number, customer_id, currency, items)
        await _commit(connection, caller, last, [NewEvent(uuid4(), INVOICE, stream, 1, created)])
    return stream


async def issue_invoice(
    database: Database, caller: Caller, invoice_id: UUID, due_on: date, expected: int | None
) -> None:
    """Send a draft.

    Raises:
        NotFoundError: There is no such invoice.
        ConflictError: It was sent before, or is not at the expected version.
    """
    async with database.transaction() as connection:
        last = await event_store.lock(connection)
        state = await _load(connection, invoice_id)
        event_store.check_version(state.version, expected)
        issued = invoice.issue(state, due_on)
        await _commit(connection, caller, last, [NewEvent(uuid4(), INVOICE, invoice_id, state.version + 1, issued)])


async def record_payment(database: Database, caller: Caller, invoice_id: UUID, amount: Decimal, key: str) -> UUID:
    """Take a payment and return its id; the same key again gives the same payment, and takes nothing.

    Raises:
        NotFoundError: There is no such invoice.
        ConflictError: The invoice takes no payment, or the key was used for another payment.
        InvalidInputError: The amount is zero, or more than is owed.
    """
    async with database.transaction() as connection:
        last = await event_store.lock(connection)
        known = await connection.fetchrow(
            "SELECT id, invoice_id, amount FROM payment_view WHERE idempotency_key = $1", key
        )
        if known is not None:
            if (known["invoice_id"], known["amount"]) != (invoice_id, amount):
                raise ConflictError("idempotencyKey was used for another payment")
            same: UUID = known["id"]
            return same
        state = await _load(connection, invoice_id)
        payment = uuid4()
        received, applied = invoice.pay(invoice_id, state, payment, amount, key)
        events = [
            NewEvent(uuid4(), PAYMENT, payment, 1, received),
            NewEvent(uuid4(), INVOICE, invoice_id, state.version + 1, applied),
        ]
        await _commit(connection, caller, last, events)
    return payment


async def _load(connection: Connection, invoice_id: UUID) -> invoice.Invoice:
    recorded = await event_store.stream(connection, invoice_id)
    state = invoice.replay(item.event for item in recorded) if _is_invoice(recorded) else None
    if state is None:
        raise NotFoundError("there is no invoice with this id")
    return state


def _is_invoice(recorded: Sequence[Recorded]) -> bool:
    return bool(recorded) and type(recorded[0].event).__name__.startswith(INVOICE)


async def _commit(connection: Connection, caller: Caller, last: int, events: Sequence[NewEvent]) -> None:
    span = trace.get_current_span().get_span_context()
    trace_id = trace.format_trace_id(span.trace_id) if span.is_valid else None
    recorded = await event_store.append(connection, last, events, {"actor": caller.actor, "trace_id": trace_id})
    await views.advance(connection, recorded)
    headers = msgspec.json.encode(outgoing()).decode()
    for new in events:
        await connection.execute(OUTBOX, new.event_id, _audit_entry(caller, new, trace_id), headers)


def _audit_entry(caller: Caller, new: NewEvent, trace_id: str | None) -> str:
    entry: dict[str, Any] = {
        "eventId": new.event_id,
        "service": "finance",
        "action": type(new.event).__name__,
        "subjectType": new.stream_type,
        "subject": new.stream_id,
        "actor": caller.actor,
        "occurredAt": datetime.now(UTC),
        "traceId": trace_id,
    }
    return msgspec.json.encode(entry).decode()
