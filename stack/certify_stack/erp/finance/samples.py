"""Sample invoices: events that real decisions made, and the read models that follow from them."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.erp.finance import accounts, invoice, ledger, views
from certify_stack.erp.finance.commands import ACCOUNT, ENTRY, payment_asked
from certify_stack.erp.finance.events import (
    CreditLimitChanged,
    CustomerAccountOpened,
    Event,
    JournalLine,
    PaymentMethod,
    PaymentReceived,
    Recorded,
    decode,
    encode,
)
from certify_stack.erp.finance.ledger import MONEY
from certify_stack.erp.finance.money import ZERO, to_cents
from certify_stack.erp.finance.old_versions import older
from certify_stack.erp.finance.rows import ROW_TYPES, Key, Row
from certify_stack.erp.finance.tax import NO_RATE
from certify_stack.erp.finance.upgrades import TAKA
from certify_stack.erp.samples import EPOCH, count_of, sample_id
from certify_stack.kit.database import Connection

INVOICES = 200
METHODS = tuple(PaymentMethod)
# Stream type, stream, version in the stream, event.
Sample = tuple[str, UUID, int, Event]
KEY_COLUMNS = ("key", "fingerprint", "result")
RATES = tuple(Decimal(rate) for rate in ("15", "10", "7.5", "5"))
EVENT_COLUMNS = (
    "position",
    "event_id",
    "stream_type",
    "stream_id",
    "stream_version",
    "type",
    "type_version",
    "data",
    "metadata",
    "recorded_at",
)
ACTOR = msgspec.json.encode({"actor": "seed", "trace_id": None}).decode()


def sample_events(size: int, seed: int = 0) -> Iterator[Sample]:
    """Yield stream type, stream, stream version and event: drafts, issued, partly paid and paid invoices in turn."""
    for number in range(INVOICES * size):
        key = sample_id("Invoice", number)
        created = invoice.create(
            f"INV-{number + 1:08d}",
            sample_id("Customer", number % count_of("Customer", size)),
            "BDT",
            _items(number, size, seed),
            prices_include_tax=number % 8 == 7,
        )
        events: list[Event] = [created]
        if number % 4:
            state = invoice.apply(None, created)
            due = (EPOCH + timedelta(days=30 + number % 60)).date()
            events.append(invoice.issue(state, due))
        yield from (("Invoice", key, version, event) for version, event in enumerate(events, 1))
        if number % 4 > 1:
            yield from _payment(key, number, invoice.replay(events))
        if number % 20 == 0:
            yield from _account(number // 4)
        if number % 20 == 10:
            yield from _charges(number)


def _payment(key: UUID, number: int, state: invoice.Invoice | None) -> Iterator[Sample]:
    if state is None:
        return
    payment = sample_id("Payment", number)
    received, applied = invoice.pay(key, state, payment, _money(number, state))
    yield "Payment", payment, 1, received
    yield "Invoice", key, state.version + 1, applied


def _money(number: int, state: invoice.Invoice) -> invoice.Money:
    amount = state.gross if number % 4 > 2 else to_cents(state.gross / 2)
    method = PaymentMethod.BANK if number % 3 else METHODS[number % len(METHODS)]
    return invoice.Money(amount, f"seed-{number}", method)


def _account(number: int) -> Iterator[Sample]:
    """Yield the opening of a customer's account, and for every other one a change; every fifth customer has one."""
    customer = sample_id("Customer", number)
    stream = accounts.account_id(customer, TAKA)
    yield ACCOUNT, stream, 1, CustomerAccountOpened(customer, TAKA, None if number % 2 else Decimal(1_000_000))
    if number % 2 == 0:
        yield ACCOUNT, stream, 2, CreditLimitChanged(customer, TAKA, Decimal(2_000_000))


def _charges(number: int) -> Iterator[Sample]:
    """Yield an entry by hand: what the bank took; one in three was wrong and is reversed."""
    amount = Decimal(10 + number % 90) + Decimal("0.05")
    lines = [JournalLine(ledger.BANK_CHARGES, amount, ZERO), JournalLine(MONEY[PaymentMethod.BANK], ZERO, amount)]
    day = (EPOCH + timedelta(days=number % 300)).date()
    posted = ledger.post(TAKA, day, f"Bank charges {number + 1}", lines)
    stream = sample_id("JournalEntry", number)
    yield ENTRY, stream, 1, posted
    if number % 3 == 0:
        yield ENTRY, stream, 2, ledger.reverse(ledger.Entry(1, posted), sample_id("Reversal", number), day)


def _items(number: int, size: int, seed: int) -> list[invoice.Item]:
    products = count_of("Product", size)
    return [
        invoice.Item(
            sample_id("Product", (number + line) % products),
            f"Product {(number + line) % products}",
            Decimal(1 + (number + line) % 9),
            Decimal(100 + 7 * ((number + line + seed) % 50)) + Decimal("0.95"),
            RATES[(number if number % 10 == 0 else number + line) % len(RATES)],
            duty_rate=Decimal(20) if number % 8 == 5 else NO_RATE,
            discount_percent=Decimal(5) if number % 8 == 6 else None,
        )
        for line in range(1 + number % 3)
    ]


def stored(event: Event, number: int) -> tuple[str, int, str]:
    """Return an event as it is stored; one in three of its type in an old version."""
    kind, version, data = encode(event)
    old = older(event, number)
    if old is None:
        return kind, version, data
    return kind, old[0], msgspec.json.encode(old[1]).decode()


async def seed_finance(connection: Connection, size: int) -> dict[str, int]:
    """Copy sample events and their read models; return rows by table."""
    rows: dict[Key, Row] = {}
    records: list[tuple[Any, ...]] = []
    keys: list[tuple[str, str, UUID]] = []
    seen: Counter[type[Event]] = Counter()
    last = 0
    for position, (kind, stream, version, event) in enumerate(sample_events(size), 1):
        now: datetime = EPOCH + timedelta(minutes=position)
        name, type_version, data = stored(event, seen[type(event)])
        seen[type(event)] += 1
        last = views.fold(rows, last, Recorded(position, stream, version, now, decode(name, type_version, data)))
        event_id = sample_id("Event", position)
        if isinstance(event, PaymentReceived):
            money = invoice.Money(event.amount, event.idempotency_key, event.method)
            keys.append((money.key, payment_asked(event.invoice_id, money).fingerprint, stream))
        records.append((position, event_id, kind, stream, version, name, type_version, data, ACTOR, now))
    await connection.copy_records_to_table("events", columns=EVENT_COLUMNS, records=records)
    await views.copy(connection, "public", rows, ROW_TYPES)
    await connection.copy_records_to_table("command_key", columns=KEY_COLUMNS, records=keys)
    await connection.execute("UPDATE projection_checkpoint SET position = $1", last)
    await connection.execute("SELECT setval('invoice_number', $1)", INVOICES * size)
    return {"finance.events": len(records), "finance.invoice_view": INVOICES * size}
