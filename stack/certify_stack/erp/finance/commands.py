"""Commands: lock, recall, decide, append, project and put into the outbox, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

from opentelemetry import trace

from certify_stack.erp.finance import accounts, event_store, idempotency, invoice, ledger, snapshots, views
from certify_stack.erp.finance.event_store import NewEvent
from certify_stack.erp.finance.events import VERSIONS, JournalLine
from certify_stack.erp.finance.idempotency import Asked
from certify_stack.erp.finance.money import ZERO
from certify_stack.erp.finance.printing import Language
from certify_stack.kit import outbox
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import InvalidInputError, NotFoundError

INVOICE, PAYMENT, ACCOUNT, ENTRY = "Invoice", "Payment", "CustomerAccount", "JournalEntry"
OWED = "SELECT balance FROM account_balance WHERE customer_id = $1 AND currency = $2"
CHART = "SELECT code FROM ledger_account WHERE code = ANY($1::text[])"

# What a command leads to: the id to answer with, and the events.
Decided = tuple[UUID, Sequence[NewEvent]]


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


@dataclass(frozen=True, slots=True)
class Sending:
    """How a client asks a draft to be sent."""

    due_on: date
    language: Language = Language.ENGLISH
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a client asks to be booked."""

    currency: str
    posted_on: date
    memo: str
    lines: Sequence[JournalLine]


async def create_invoice(database: Database, caller: Caller, asked: NewInvoice, key: str | None = None) -> UUID:
    """Draw up an invoice and return its id.

    Raises:
        InvalidInputError: The invoice breaks a rule.
        ConflictError: The key was used for another command.
    """

    async def decide(connection: Connection) -> Decided:
        serial: int = await connection.fetchval("SELECT nextval('invoice_number')")
        created = invoice.create(
            f"INV-{serial:08d}",
            asked.customer_id,
            asked.currency,
            asked.items,
            prices_include_tax=asked.prices_include_tax,
        )
        stream = uuid4()
        return stream, [NewEvent(uuid4(), INVOICE, stream, 1, created)]

    return await _run(database, caller, Asked("createInvoice", (asked,), key), decide)


async def issue_invoice(
    database: Database, caller: Caller, invoice_id: UUID, sending: Sending, key: str | None = None
) -> None:
    """Send a draft.

    Raises:
        NotFoundError: There is no such invoice.
        ConflictError: It was sent before, is not at the expected version, or the customer would owe too much.
    """

    async def decide(connection: Connection) -> Decided:
        state = await _load(connection, invoice_id)
        event_store.check_version(state.version, sending.expected_version)
        issued = invoice.issue(state, sending.due_on, sending.language)
        account = await _account(connection, state.customer_id, state.currency)
        owed = await connection.fetchval(OWED, state.customer_id, state.currency)
        accounts.check_credit(account, ZERO if owed is None else owed, state.gross)
        return invoice_id, [NewEvent(uuid4(), INVOICE, invoice_id, state.version + 1, issued)]

    await _run(database, caller, Asked("issueInvoice", (invoice_id, sending), key), decide)


async def record_payment(
    database: Database, caller: Caller, invoice_id: UUID, money: invoice.Money, expected: int | None = None
) -> UUID:
    """Take a payment and return its id; the same key again gives the same payment, and takes nothing.

    Raises:
        NotFoundError: There is no such invoice.
        ConflictError: The invoice takes no payment or is not at the expected version, or the key was used otherwise.
        InvalidInputError: The amount is zero, or more than is owed.
    """

    async def decide(connection: Connection) -> Decided:
        state = await _load(connection, invoice_id)
        event_store.check_version(state.version, expected)
        payment = uuid4()
        received, applied = invoice.pay(invoice_id, state, payment, money)
        await snapshots.keep(connection, invoice_id, invoice.apply(state, applied), 1)
        return payment, [
            NewEvent(uuid4(), PAYMENT, payment, 1, received),
            NewEvent(uuid4(), INVOICE, invoice_id, state.version + 1, applied),
        ]

    return await _run(database, caller, payment_asked(invoice_id, money), decide)


def payment_asked(invoice_id: UUID, money: invoice.Money) -> Asked:
    """Return a payment as its key remembers it."""
    return Asked("recordPayment", (invoice_id, money.amount, money.method), money.key)


async def set_credit_limit(
    database: Database, caller: Caller, customer_id: UUID, currency: str, limit: Decimal | None
) -> None:
    """Say how much a customer may owe; opens the account if it is not yet.

    Raises:
        InvalidInputError: The currency is none.
    """
    invoice.check_currency(currency)

    async def decide(connection: Connection) -> Decided:
        stream = accounts.account_id(customer_id, currency)
        account = await _account(connection, customer_id, currency)
        event = accounts.set_limit(account, customer_id, currency, limit)
        return stream, [NewEvent(uuid4(), ACCOUNT, stream, account.version + 1 if account else 1, event)]

    await _run(database, caller, Asked("setCreditLimit", (customer_id, currency, limit)), decide)


async def post_entry(database: Database, caller: Caller, asked: NewEntry, key: str | None) -> UUID:
    """Book an entry by hand and return its id.

    Raises:
        InvalidInputError: It does not balance, or names an account that does not exist.
        ConflictError: The key was used for another command.
    """
    invoice.check_currency(asked.currency)
    posted = ledger.post(asked.currency, asked.posted_on, asked.memo, asked.lines)

    async def decide(connection: Connection) -> Decided:
        codes = {line.account for line in posted.lines} - ledger.OWN_ACCOUNTS
        known = {row["code"] for row in await connection.fetch(CHART, sorted(codes))}
        if missing := sorted(codes - known):
            raise InvalidInputError(f"there is no account {missing[0]!r} in the chart")
        stream = uuid4()
        return stream, [NewEvent(uuid4(), ENTRY, stream, 1, posted)]

    return await _run(database, caller, Asked("postJournalEntry", (asked,), key), decide)


async def reverse_entry(database: Database, caller: Caller, entry_id: UUID, posted_on: date, key: str | None) -> UUID:
    """Book the opposite of an entry that was made by hand, and return the id of that.

    Raises:
        NotFoundError: There is no such entry among those made by hand.
        ConflictError: It was reversed before, or the key was used for another command.
    """

    async def decide(connection: Connection) -> Decided:
        recorded = await event_store.stream(connection, entry_id)
        entry = ledger.replay(item.event for item in recorded)
        if entry is None:
            raise NotFoundError("there is no entry with this id that was made by hand")
        reversal = uuid4()
        event = ledger.reverse(entry, reversal, posted_on)
        return reversal, [NewEvent(uuid4(), ENTRY, entry_id, entry.version + 1, event)]

    return await _run(database, caller, Asked("reverseJournalEntry", (entry_id,), key), decide)


async def _run(
    database: Database, caller: Caller, asked: Asked, decide: Callable[[Connection], Awaitable[Decided]]
) -> UUID:
    """Carry a command out once, however often it is sent."""
    async with database.transaction() as connection:
        last = await event_store.lock(connection)
        known = await idempotency.recall(connection, asked)
        if known is not None:
            return known
        result, events = await decide(connection)
        await _commit(connection, caller, last, events)
        await idempotency.remember(connection, asked, result)
    return result


async def _load(connection: Connection, invoice_id: UUID) -> invoice.Invoice:
    state = await snapshots.load(connection, invoice_id)
    if state is None:
        raise NotFoundError("there is no invoice with this id")
    return state


async def _account(connection: Connection, customer_id: UUID, currency: str) -> accounts.CustomerAccount | None:
    recorded = await event_store.stream(connection, accounts.account_id(customer_id, currency))
    return accounts.replay(item.event for item in recorded)


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
