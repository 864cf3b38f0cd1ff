"""Reads of finance; single reads of one request are gathered into one statement."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from certify_stack.erp.finance.rows import BookingRow, EntryRow, InvoiceRow, LineRow, PaymentRow, columns_of
from certify_stack.kit.database import Database
from certify_stack.kit.types import Info

INVOICE = f"SELECT {', '.join(columns_of(InvoiceRow))} FROM invoice_view "  # noqa: S608 - names of our own rows
LINE = f"SELECT {', '.join(columns_of(LineRow))} FROM invoice_line_view "  # noqa: S608 - names of our own rows
PAYMENT = f"SELECT {', '.join(columns_of(PaymentRow))} FROM payment_view "  # noqa: S608 - names of our own rows
ENTRY = f"SELECT {', '.join(columns_of(EntryRow))} FROM journal_entry_view "  # noqa: S608 - names of our own rows
BOOKING = f"SELECT {', '.join(columns_of(BookingRow))} FROM journal_line_view "  # noqa: S608 - names of our own rows
TRIAL_BALANCE = (
    "SELECT account, sum(debit) AS debit, sum(credit) AS credit FROM journal_line_view "
    "JOIN journal_entry_view ON id = entry_id WHERE currency = $1 GROUP BY account ORDER BY account"
)
ACCOUNT = (
    "SELECT customer_id, currency, invoiced, paid, balance, credit_limit, updated_at FROM account_balance "
    "WHERE customer_id = $1 AND currency = $2"
)
HISTORY = (
    "SELECT position, stream_version, type, type_version, data, recorded_at FROM events "
    "WHERE stream_id = $1 ORDER BY stream_version"
)


async def invoice_row(info: Info, key: UUID) -> Any:
    """Return the row of an invoice, or None."""

    async def many(keys: list[UUID]) -> list[Any]:
        return await _by_id(info.context.database, INVOICE, keys)

    return await info.context.loader("Invoice", many).load(key)


async def payment_row(info: Info, key: UUID) -> Any:
    """Return the row of a payment, or None."""

    async def many(keys: list[UUID]) -> list[Any]:
        return await _by_id(info.context.database, PAYMENT, keys)

    return await info.context.loader("Payment", many).load(key)


async def lines_of(info: Info, key: UUID) -> list[Any]:
    """Return the rows of an invoice's lines."""

    async def many(keys: list[UUID]) -> list[list[Any]]:
        grouped: dict[UUID, list[Any]] = {key: [] for key in keys}
        query = f"{LINE}WHERE invoice_id = ANY($1::uuid[]) ORDER BY invoice_id, line_number"
        for row in await info.context.database.fetch(query, keys):
            grouped[row["invoice_id"]].append(row)
        return [grouped[key] for key in keys]

    rows: list[Any] = await info.context.loader("InvoiceLine", many).load(key)
    return rows


async def entry_row(info: Info, key: UUID) -> Any:
    """Return the row of a journal entry, or None."""

    async def many(keys: list[UUID]) -> list[Any]:
        return await _by_id(info.context.database, ENTRY, keys)

    return await info.context.loader("JournalEntry", many).load(key)


async def bookings_of(info: Info, key: UUID) -> list[Any]:
    """Return the rows of an entry's lines."""

    async def many(keys: list[UUID]) -> list[list[Any]]:
        grouped: dict[UUID, list[Any]] = {key: [] for key in keys}
        query = f"{BOOKING}WHERE entry_id = ANY($1::uuid[]) ORDER BY entry_id, line_number"
        for row in await info.context.database.fetch(query, keys):
            grouped[row["entry_id"]].append(row)
        return [grouped[key] for key in keys]

    rows: list[Any] = await info.context.loader("JournalLine", many).load(key)
    return rows


async def page(database: Database, select: str, order: str, filters: Mapping[str, Any], span: tuple[int, int]) -> Any:
    """Return rows that equal ``filters`` (column -> value); ``span`` is limit and offset."""
    wheres = " AND ".join(f"{column} = ${number}" for number, column in enumerate(filters, 3)) or "TRUE"
    return await database.fetch(
        f"{select}WHERE {wheres} ORDER BY {order} DESC, id LIMIT $1 OFFSET $2", *span, *filters.values()
    )


async def _by_id(database: Database, select: str, keys: list[UUID]) -> list[Any]:
    rows = await database.fetch(f"{select}WHERE id = ANY($1::uuid[])", keys)
    found = {row["id"]: row for row in rows}
    return [found.get(key) for key in keys]
