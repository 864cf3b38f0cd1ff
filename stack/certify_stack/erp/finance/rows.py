"""The rows of the read models, one class for each table."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """Table ``invoice_view``."""

    TABLE: ClassVar[str] = "invoice_view"
    KEY: ClassVar[tuple[str, ...]] = ("id",)

    id: UUID
    number: str
    customer_id: UUID
    currency: str
    status: str
    net: Decimal
    vat: Decimal
    gross: Decimal
    paid: Decimal
    due_on: date | None
    created_at: datetime
    issued_at: datetime | None
    updated_at: datetime
    version: int
    prices_include_tax: bool
    discount: Decimal
    duty: Decimal
    language: str | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """Table ``invoice_line_view``."""

    TABLE: ClassVar[str] = "invoice_line_view"
    KEY: ClassVar[tuple[str, ...]] = ("invoice_id", "line_number")

    invoice_id: UUID
    line_number: int
    product_id: UUID
    description: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    treatment: str
    duty_rate: Decimal
    discount: Decimal
    duty: Decimal


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """Table ``payment_view``."""

    TABLE: ClassVar[str] = "payment_view"
    KEY: ClassVar[tuple[str, ...]] = ("id",)

    id: UUID
    invoice_id: UUID
    customer_id: UUID
    currency: str
    amount: Decimal
    idempotency_key: str
    received_at: datetime
    method: str


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Table ``account_balance``: what a customer was billed, paid and owes, for each currency."""

    TABLE: ClassVar[str] = "account_balance"
    KEY: ClassVar[tuple[str, ...]] = ("customer_id", "currency")

    customer_id: UUID
    currency: str
    invoiced: Decimal
    paid: Decimal
    balance: Decimal
    updated_at: datetime
    credit_limit: Decimal | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Table ``journal_entry_view``: what was booked together; ``total`` is the sum of each side."""

    TABLE: ClassVar[str] = "journal_entry_view"
    KEY: ClassVar[tuple[str, ...]] = ("id",)

    id: UUID
    source: str
    source_id: UUID
    currency: str
    posted_on: date
    memo: str
    total: Decimal
    recorded_at: datetime
    reversed_by: UUID | None


@dataclass(frozen=True, slots=True)
class BookingRow:
    """Table ``journal_line_view``: one side of an entry on one account."""

    TABLE: ClassVar[str] = "journal_line_view"
    KEY: ClassVar[tuple[str, ...]] = ("entry_id", "line_number")

    entry_id: UUID
    line_number: int
    account: str
    debit: Decimal
    credit: Decimal


Row = InvoiceRow | LineRow | PaymentRow | BalanceRow | EntryRow | BookingRow
RowType = type[InvoiceRow] | type[LineRow] | type[PaymentRow] | type[BalanceRow] | type[EntryRow] | type[BookingRow]
Key = tuple[RowType, tuple[object, ...]]

# In the order in which rows may be written: parents first.
ROW_TYPES: tuple[RowType, ...] = (InvoiceRow, LineRow, PaymentRow, BalanceRow, EntryRow, BookingRow)
TABLES = tuple(kind.TABLE for kind in ROW_TYPES)


def columns_of(kind: RowType) -> tuple[str, ...]:
    """Return the columns of a table in order."""
    return tuple(field.name for field in fields(kind))


def key_of(row: Row) -> Key:
    """Return where a row belongs."""
    return type(row), tuple(getattr(row, name) for name in row.KEY)


def values_of(row: Row) -> tuple[Any, ...]:
    """Return the values of a row in the order of its columns, as they are: `dataclasses.astuple` would copy each."""
    values: tuple[Any, ...] = GETTERS[type(row)](row)
    return values


GETTERS = {kind: attrgetter(*columns_of(kind)) for kind in ROW_TYPES}
