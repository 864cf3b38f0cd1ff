"""Read models as a pure function of events: rows before and an event give rows after.

The same function serves commands (rows come from the tables, in the transaction that appends the event) and
rebuilds (rows come from a dictionary that starts empty).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from certify_stack.erp.finance.events import (
    InvoiceCreated,
    InvoiceIssued,
    InvoicePaymentApplied,
    PaymentReceived,
    Recorded,
)
from certify_stack.erp.finance.invoice import Status, status_when
from certify_stack.erp.finance.money import ZERO


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


Row = InvoiceRow | LineRow | PaymentRow | BalanceRow
RowType = type[InvoiceRow] | type[LineRow] | type[PaymentRow] | type[BalanceRow]
Key = tuple[RowType, tuple[object, ...]]

# In the order in which rows may be written: parents first.
ROW_TYPES: tuple[RowType, ...] = (InvoiceRow, LineRow, PaymentRow, BalanceRow)
TABLES = tuple(kind.TABLE for kind in ROW_TYPES)


class ProjectionError(ValueError):
    """Events contradict each other, so no read model follows from them."""


def columns_of(kind: RowType) -> tuple[str, ...]:
    """Return the columns of a table in order."""
    return tuple(field.name for field in fields(kind))


def key_of(row: Row) -> Key:
    """Return where a row belongs."""
    return type(row), tuple(getattr(row, name) for name in row.KEY)


def reads(recorded: Recorded) -> tuple[Key, ...]:
    """Return the keys of the rows that the event changes and that may exist already."""
    match recorded.event:
        case (
            InvoiceIssued(customer_id=customer, currency=currency)
            | InvoicePaymentApplied(customer_id=customer, currency=currency)
        ):
            return (InvoiceRow, (recorded.stream_id,)), (BalanceRow, (customer, currency))
    return ()


def project(rows: Mapping[Key, Row], recorded: Recorded) -> tuple[Row, ...]:
    """Return the rows that the event makes or changes.

    Args:
        rows: At least the existing rows among ``reads(recorded)``.
        recorded: The event.

    Raises:
        ProjectionError: The event needs an invoice that does not exist.
    """
    match recorded.event:
        case InvoiceCreated() as created:
            return _created(recorded, created)
        case InvoiceIssued() as issued:
            return _issued(rows, recorded, issued)
        case InvoicePaymentApplied() as applied:
            return _applied(rows, recorded, applied)
        case PaymentReceived() as received:
            return (
                PaymentRow(
                    recorded.stream_id,
                    received.invoice_id,
                    received.customer_id,
                    received.currency,
                    received.amount,
                    received.idempotency_key,
                    recorded.recorded_at,
                ),
            )


def _created(recorded: Recorded, event: InvoiceCreated) -> tuple[Row, ...]:
    invoice = InvoiceRow(
        id=recorded.stream_id,
        number=event.number,
        customer_id=event.customer_id,
        currency=event.currency,
        status=Status.DRAFT.value,
        net=event.net,
        vat=event.vat,
        gross=event.gross,
        paid=ZERO,
        due_on=None,
        created_at=recorded.recorded_at,
        issued_at=None,
        updated_at=recorded.recorded_at,
        version=recorded.stream_version,
        prices_include_tax=event.prices_include_tax,
        discount=event.discount,
        duty=event.duty,
    )
    lines = (
        LineRow(
            recorded.stream_id,
            number,
            line.product_id,
            line.description,
            line.quantity,
            line.unit_price,
            line.vat_rate,
            line.net,
            line.vat,
            line.treatment.value,
            line.duty_rate,
            line.discount,
            line.duty,
        )
        for number, line in enumerate(event.lines, 1)
    )
    return invoice, *lines


def _issued(rows: Mapping[Key, Row], recorded: Recorded, event: InvoiceIssued) -> tuple[Row, ...]:
    now = recorded.recorded_at
    invoice = replace(
        _invoice(rows, recorded),
        status=Status.ISSUED.value,
        due_on=event.due_on,
        issued_at=now,
        updated_at=now,
        version=recorded.stream_version,
    )
    balance = _balance(rows, event.customer_id, event.currency, now)
    return invoice, replace(
        balance, invoiced=balance.invoiced + event.gross, balance=balance.balance + event.gross, updated_at=now
    )


def _applied(rows: Mapping[Key, Row], recorded: Recorded, event: InvoicePaymentApplied) -> tuple[Row, ...]:
    now = recorded.recorded_at
    before = _invoice(rows, recorded)
    paid = before.paid + event.amount
    status = status_when(paid, before.gross).value
    invoice = replace(before, paid=paid, status=status, updated_at=now, version=recorded.stream_version)
    balance = _balance(rows, event.customer_id, event.currency, now)
    return invoice, replace(
        balance, paid=balance.paid + event.amount, balance=balance.balance - event.amount, updated_at=now
    )


def _invoice(rows: Mapping[Key, Row], recorded: Recorded) -> InvoiceRow:
    row = rows.get((InvoiceRow, (recorded.stream_id,)))
    if not isinstance(row, InvoiceRow):
        raise ProjectionError(f"event {recorded.position} changes invoice {recorded.stream_id}, which no event created")
    return row


def _balance(rows: Mapping[Key, Row], customer: UUID, currency: str, now: datetime) -> BalanceRow:
    row = rows.get((BalanceRow, (customer, currency)))
    return row if isinstance(row, BalanceRow) else BalanceRow(customer, currency, ZERO, ZERO, ZERO, now)
