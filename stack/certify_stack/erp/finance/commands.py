"""Commands: lock, load, decide, append, project and put into the outbox, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

from opentelemetry import trace

from certify_stack.erp.finance import event_store, invoice, views
from certify_stack.erp.finance.event_store import NewEvent
from certify_stack.erp.finance.events import VERSIONS, Recorded
from certify_stack.kit import outbox
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import ConflictError, NotFoundError

INVOICE, PAYMENT = "Invoice", "Payment"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a command runs."""

    actor: str


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What a client asks to be drawn up."""

    customer_id: UUID
    currency: str
    items: Sequence[invoice.Item]
    prices_include_tax: bool = False


async def create_invoice(database: Database, caller: Caller, asked: NewInvoice) -> UUID:
    """Draw up an invoice and return its id.

    Raises:
        InvalidInputError: The invoice breaks a rule.
    """
    stream = uuid4()
    async with database.transaction() as connection:
        last = await event_store.lock(connection)
        serial: int = await connection.fetchval("SELECT nextval('invoice_number')")
        number = f"INV-{serial:08d}"
        created = invoice.create(
            number, asked.customer_id, asked.currency, asked.items, prices_include_tax=asked.prices_include_tax
        )
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
    await outbox.record(connection, "finance", caller.actor, [_told(new) for new in events])


def _told(new: NewEvent) -> outbox.Event:
    """Return a stored event as other services are told of it."""
    kind = type(new.event)
    return outbox.Event(
        id=new.event_id,
        type=kind.__name__,
        version=VERSIONS[kind],
        subject=new.stream_id,
        subject_type=new.stream_type,
        data=new.event,
    )
