"""Read models as a pure function of events: rows before and an event give rows after.

The same function serves commands (rows come from the tables, in the transaction that appends the event) and
rebuilds (rows come from a dictionary that starts empty).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from certify_stack.erp.finance import ledger
from certify_stack.erp.finance.events import (
    CreditLimitChanged,
    CustomerAccountOpened,
    InvoiceCreated,
    InvoiceIssued,
    InvoicePaymentApplied,
    JournalEntryPosted,
    JournalEntryReversed,
    JournalLine,
    PaymentReceived,
    Recorded,
)
from certify_stack.erp.finance.invoice import Status, status_when
from certify_stack.erp.finance.ledger import Source
from certify_stack.erp.finance.money import ZERO
from certify_stack.erp.finance.rows import BalanceRow, BookingRow, EntryRow, InvoiceRow, Key, LineRow, PaymentRow, Row


class ProjectionError(ValueError):
    """Events contradict each other, so no read model follows from them."""


def reads(recorded: Recorded) -> tuple[Key, ...]:
    """Return the keys of the rows that the event changes and that may exist already."""
    match recorded.event:
        case (
            InvoiceIssued(customer_id=customer, currency=currency)
            | InvoicePaymentApplied(customer_id=customer, currency=currency)
        ):
            return (InvoiceRow, (recorded.stream_id,)), (BalanceRow, (customer, currency))
        case (
            CustomerAccountOpened(customer_id=customer, currency=currency)
            | CreditLimitChanged(customer_id=customer, currency=currency)
        ):
            return ((BalanceRow, (customer, currency)),)
        case JournalEntryReversed():
            return ((EntryRow, (recorded.stream_id,)),)
    return ()


def project(rows: Mapping[Key, Row], recorded: Recorded) -> tuple[Row, ...]:
    """Return the rows that the event makes or changes.

    Args:
        rows: At least the existing rows among ``reads(recorded)``.
        recorded: The event.

    Raises:
        ProjectionError: The event needs something that does not exist.
    """
    match recorded.event:
        case InvoiceCreated() as created:
            return _created(recorded, created)
        case InvoiceIssued() as issued:
            return _issued(rows, recorded, issued)
        case InvoicePaymentApplied() as applied:
            return _applied(rows, recorded, applied)
        case PaymentReceived() as received:
            return _received(recorded, received)
        case CustomerAccountOpened() | CreditLimitChanged() as changed:
            now = recorded.recorded_at
            balance = _balance(rows, changed.customer_id, changed.currency, now)
            return (replace(balance, credit_limit=changed.credit_limit, updated_at=now),)
        case JournalEntryPosted() | JournalEntryReversed() as booked:
            return _booked(rows, recorded, booked)


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
        language=None,
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
        language=event.language.value,
    )
    balance = _balance(rows, event.customer_id, event.currency, now)
    owed = replace(
        balance, invoiced=balance.invoiced + event.gross, balance=balance.balance + event.gross, updated_at=now
    )
    about = (Source.INVOICE, recorded.stream_id, event.currency, now.date(), invoice.number)
    lines = ledger.of_invoice(ledger.Parts(invoice.net, invoice.duty, invoice.vat))
    return invoice, owed, *_entry(recorded, ledger.entry_of(recorded.stream_id), about, lines)


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


def _received(recorded: Recorded, event: PaymentReceived) -> tuple[Row, ...]:
    now = recorded.recorded_at
    payment = PaymentRow(
        recorded.stream_id,
        event.invoice_id,
        event.customer_id,
        event.currency,
        event.amount,
        event.idempotency_key,
        now,
        event.method.value,
    )
    about = (Source.PAYMENT, recorded.stream_id, event.currency, now.date(), event.method.value)
    lines = ledger.of_payment(event.amount, event.method)
    return payment, *_entry(recorded, ledger.entry_of(recorded.stream_id), about, lines)


About = tuple[Source, UUID, str, date, str]


def _entry(recorded: Recorded, key: UUID, about: About, lines: Sequence[JournalLine]) -> tuple[Row, ...]:
    """Return an entry and its lines; nothing where nothing is booked, as for an invoice of 0.00."""
    if not lines:
        return ()
    source, source_id, currency, posted_on, memo = about
    total, _ = ledger.totals(lines)
    entry = EntryRow(key, source.value, source_id, currency, posted_on, memo, total, recorded.recorded_at, None)
    return entry, *(
        BookingRow(key, number, line.account, line.debit, line.credit) for number, line in enumerate(lines, 1)
    )


def _booked(
    rows: Mapping[Key, Row], recorded: Recorded, event: JournalEntryPosted | JournalEntryReversed
) -> tuple[Row, ...]:
    if isinstance(event, JournalEntryPosted):
        about = (Source.MANUAL, recorded.stream_id, event.currency, event.posted_on, event.memo)
        return _entry(recorded, recorded.stream_id, about, event.lines)
    row = rows.get((EntryRow, (recorded.stream_id,)))
    if not isinstance(row, EntryRow):
        raise ProjectionError(f"event {recorded.position} reverses entry {recorded.stream_id}, which nobody posted")
    about = (Source.REVERSAL, recorded.stream_id, event.currency, event.posted_on, event.memo)
    return replace(row, reversed_by=event.reversal_id), *_entry(recorded, event.reversal_id, about, event.lines)


def _invoice(rows: Mapping[Key, Row], recorded: Recorded) -> InvoiceRow:
    row = rows.get((InvoiceRow, (recorded.stream_id,)))
    if not isinstance(row, InvoiceRow):
        raise ProjectionError(f"event {recorded.position} changes invoice {recorded.stream_id}, which no event created")
    return row


def _balance(rows: Mapping[Key, Row], customer: UUID, currency: str, now: datetime) -> BalanceRow:
    row = rows.get((BalanceRow, (customer, currency)))
    return row if isinstance(row, BalanceRow) else BalanceRow(customer, currency, ZERO, ZERO, ZERO, now, None)
