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
    return await _one(info, INVOICE, key)


async def payment_row(info: Info, key: UUID) -> Any:
    """Return the row of a payment, or None."""
    return await _one(info, PAYMENT, key)


async def entry_row(info: Info, key: UUID) -> Any:
    """Return the row of a journal entry, or None."""
    return await _one(info, ENTRY, key)


async def lines_of(info: Info, key: UUID) -> list[Any]:
    """Return the rows of an invoice's lines."""
    return await _parts(info, LINE, "invoice_id", key)


async def bookings_of(info: Info, key: UUID) -> list[Any]:
    """Return the rows of an entry's lines."""
    return await _parts(info, BOOKING, "entry_id", key)


async def page(database: Database, select: str, order: str, filters: Mapping[str, Any], span: tuple[int, int]) -> Any:
    """Return rows that equal ``filters`` (column -> value); ``span`` is limit and offset."""
    wheres = " AND ".join(f"{column} = ${number}" for number, column in enumerate(filters, 3)) or "TRUE"
    return await database.fetch(
        f"{select}WHERE {wheres} ORDER BY {order} DESC, id LIMIT $1 OFFSET $2", *span, *filters.values()
    )


async def _one(info: Info, select: str, key: UUID) -> Any:
    async def many(keys: list[UUID]) -> list[Any]:
        rows = await info.context.database.fetch(f"{select}WHERE id = ANY($1::uuid[])", keys)
        found = {row["id"]: row for row in rows}
        return [found.get(key) for key in keys]

    return await info.context.loader(select, many).load(key)


async def _parts(info: Info, select: str, parent: str, key: UUID) -> list[Any]:
    """Return the numbered rows that belong to one parent, in order."""

    async def many(keys: list[UUID]) -> list[list[Any]]:
        grouped: dict[UUID, list[Any]] = {key: [] for key in keys}
        query = f"{select}WHERE {parent} = ANY($1::uuid[]) ORDER BY {parent}, line_number"
        for row in await info.context.database.fetch(query, keys):
            grouped[row[parent]].append(row)
        return [grouped[key] for key in keys]

    rows: list[Any] = await info.context.loader(select, many).load(key)
    return rows
