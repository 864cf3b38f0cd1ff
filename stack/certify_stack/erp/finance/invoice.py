"""The aggregate Invoice: what may happen to it, decided from its own events alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from certify_stack.erp.finance.events import (
    Event,
    InvoiceCreated,
    InvoiceIssued,
    InvoicePaymentApplied,
    Line,
    PaymentReceived,
)
from certify_stack.erp.finance.money import LARGEST, VAT_RATES, ZERO, line_totals, total
from certify_stack.kit.errors import ConflictError, InvalidInputError

MOST_LINES = 200


class Status(StrEnum):
    """Where an invoice stands."""

    DRAFT = "DRAFT"
    ISSUED = "ISSUED"
    PARTLY_PAID = "PARTLY_PAID"
    PAID = "PAID"


@dataclass(frozen=True, slots=True)
class Invoice:
    """The state that decisions need."""

    version: int
    status: Status
    customer_id: UUID
    currency: str
    gross: Decimal
    paid: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """What is still owed."""
        return self.gross - self.paid


@dataclass(frozen=True, slots=True)
class Item:
    """A line as a client asks for it."""

    product_id: UUID
    description: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal


def create(number: str, customer_id: UUID, currency: str, items: Sequence[Item]) -> InvoiceCreated:
    """Draw up an invoice.

    Raises:
        InvalidInputError: There is no line, too many, or one that breaks a rule.
    """
    if not 1 <= len(items) <= MOST_LINES:
        raise InvalidInputError(f"an invoice has 1 to {MOST_LINES} lines")
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise InvalidInputError("currency is not a code of three capital letters")
    lines = tuple(_line(item) for item in items)
    sums = total(line_totals(line.quantity, line.unit_price, line.vat_rate) for line in lines)
    if sums.gross > LARGEST:
        raise InvalidInputError("the invoice is too large")
    return InvoiceCreated(number, customer_id, currency, lines, sums.net, sums.vat)


def issue(invoice: Invoice, due_on: date) -> InvoiceIssued:
    """Send a draft.

    Raises:
        ConflictError: It was sent before.
    """
    if invoice.status is not Status.DRAFT:
        raise ConflictError(f"the invoice is {invoice.status}, only a DRAFT can be issued")
    return InvoiceIssued(invoice.customer_id, invoice.currency, invoice.gross, due_on)


def pay(
    invoice_id: UUID, invoice: Invoice, payment_id: UUID, amount: Decimal, key: str
) -> tuple[PaymentReceived, InvoicePaymentApplied]:
    """Take a payment: one event for the payment's stream, one for the invoice's.

    Raises:
        ConflictError: The invoice is not open for payment.
        InvalidInputError: The amount is zero, or more than is owed.
    """
    if invoice.status not in {Status.ISSUED, Status.PARTLY_PAID}:
        raise ConflictError(f"the invoice is {invoice.status}, it takes no payment")
    if amount <= 0:
        raise InvalidInputError("amount is not above zero")
    if amount > invoice.open:
        raise InvalidInputError(f"amount is more than the {invoice.open} that is owed")
    received = PaymentReceived(invoice_id, invoice.customer_id, invoice.currency, amount, key)
    return received, InvoicePaymentApplied(payment_id, invoice.customer_id, invoice.currency, amount)


def apply(invoice: Invoice | None, event: Event) -> Invoice:
    """Return the state after an event of the invoice's stream.

    Raises:
        ValueError: The event cannot stand there.
    """
    if isinstance(event, InvoiceCreated) and invoice is None:
        return Invoice(1, Status.DRAFT, event.customer_id, event.currency, event.net + event.vat)
    if invoice is None:
        raise ValueError(f"{type(event).__name__} before InvoiceCreated")
    version = invoice.version + 1
    match event:
        case InvoiceIssued():
            return replace(invoice, version=version, status=Status.ISSUED)
        case InvoicePaymentApplied(amount=amount):
            paid = invoice.paid + amount
            return replace(invoice, version=version, paid=paid, status=status_when(paid, invoice.gross))
    raise ValueError(f"{type(event).__name__} is not an event of an open invoice")


def status_when(paid: Decimal, gross: Decimal) -> Status:
    """Return where an issued invoice stands when so much of it is paid."""
    return Status.PAID if paid >= gross else Status.PARTLY_PAID


def replay(events: Iterable[Event]) -> Invoice | None:
    """Return the state after all events of a stream; None when there are none."""
    state: Invoice | None = None
    for event in events:
        state = apply(state, event)
    return state


def _line(item: Item) -> Line:
    if item.vat_rate not in VAT_RATES:
        rates = ", ".join(str(rate) for rate in sorted(VAT_RATES))
        raise InvalidInputError(f"vatRate is none of {rates}")
    if item.quantity <= 0:
        raise InvalidInputError("quantity is not above zero")
    sums = line_totals(item.quantity, item.unit_price, item.vat_rate)
    return Line(item.product_id, item.description, item.quantity, item.unit_price, item.vat_rate, sums.net, sums.vat)
