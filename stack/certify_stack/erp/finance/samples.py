"""Sample invoices: events that real decisions made, and the read models that follow from them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.erp.finance import invoice, views
from certify_stack.erp.finance.events import Event, Recorded, decode, encode
from certify_stack.erp.finance.old_versions import older
from certify_stack.erp.finance.projection import ROW_TYPES, Key, Row
from certify_stack.erp.finance.tax import NO_RATE
from certify_stack.erp.samples import EPOCH, count_of, sample_id
from certify_stack.kit.database import Connection

INVOICES = 200
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


def sample_events(size: int) -> Iterator[tuple[str, UUID, int, Event]]:
    """Yield stream type, stream, stream version and event: drafts, issued, partly paid and paid invoices in turn."""
    for number in range(INVOICES * size):
        key = sample_id("Invoice", number)
        created = invoice.create(
            f"INV-{number + 1:08d}",
            sample_id("Customer", number % count_of("Customer", size)),
            "BDT",
            _items(number, size),
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


def _payment(key: UUID, number: int, state: invoice.Invoice | None) -> Iterator[tuple[str, UUID, int, Event]]:
    if state is None:
        return
    payment = sample_id("Payment", number)
    amount = state.gross if number % 4 > 2 else round(state.gross / 2, 2)
    received, applied = invoice.pay(key, state, payment, amount, f"seed-{number}")
    yield "Payment", payment, 1, received
    yield "Invoice", key, state.version + 1, applied


def _items(number: int, size: int) -> list[invoice.Item]:
    products = count_of("Product", size)
    return [
        invoice.Item(
            sample_id("Product", (number + line) % products),
            f"Product {(number + line) % products}",
            Decimal(1 + (number + line) % 9),
            Decimal(100 + 7 * ((number + line) % 50)) + Decimal("0.95"),
            RATES[(number if number % 10 == 0 else number + line) % len(RATES)],
            duty_rate=Decimal(20) if number % 8 == 5 else NO_RATE,
            discount_percent=Decimal(5) if number % 8 == 6 else None,
        )
        for line in range(1 + number % 3)
    ]


def stored(event: Event, number: int) -> tuple[str, int, str]:
    """Return an event as it is stored; some invoices as version 1 stored them, so that upgrades are exercised."""
    kind, version, data = encode(event)
    old = older(event, number)
    if old is None:
        return kind, version, data
    return kind, old[0], msgspec.json.encode(old[1]).decode()


async def seed_finance(connection: Connection, size: int) -> dict[str, int]:
    """Copy sample events and their read models; return rows by table."""
    rows: dict[Key, Row] = {}
    records: list[tuple[Any, ...]] = []
    last = 0
    for position, (kind, stream, version, event) in enumerate(sample_events(size), 1):
        now: datetime = EPOCH + timedelta(minutes=position)
        name, type_version, data = stored(event, position)
        last = views.fold(rows, last, Recorded(position, stream, version, now, decode(name, type_version, data)))
        event_id = sample_id("Event", position)
        records.append((position, event_id, kind, stream, version, name, type_version, data, ACTOR, now))
    await connection.copy_records_to_table("events", columns=EVENT_COLUMNS, records=records)
    await views.copy(connection, "public", rows, ROW_TYPES)
    await connection.execute("UPDATE projection_checkpoint SET position = $1", last)
    await connection.execute("SELECT setval('invoice_number', $1)", INVOICES * size)
    return {"finance.events": len(records), "finance.invoice_view": INVOICES * size}
