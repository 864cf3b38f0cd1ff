"""The aggregate Invoice: what may happen to it, decided from its own events alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from certify_stack.erp.finance import tax
from certify_stack.erp.finance.events import (
    Event,
    InvoiceCreated,
    InvoiceIssued,
    InvoicePaymentApplied,
    Line,
    PaymentMethod,
    PaymentReceived,
)
from certify_stack.erp.finance.money import LARGEST, ZERO
from certify_stack.erp.finance.printing import Language
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
    treatment: tax.Treatment | None = None
    duty_rate: Decimal = tax.NO_RATE
    discount: Decimal | None = None
    discount_percent: Decimal | None = None


def create(
    number: str, customer_id: UUID, currency: str, items: Sequence[Item], *, prices_include_tax: bool = False
) -> InvoiceCreated:
    """Draw up an invoice.

    Raises:
        InvalidInputError: There is no line, too many, or one that breaks a rule.
    """
    if not 1 <= len(items) <= MOST_LINES:
        raise InvalidInputError(f"an invoice has 1 to {MOST_LINES} lines")
    check_currency(currency)
    lines = tuple(_line(item, prices_include_tax) for item in items)
    sums = tax.total(tax.Amounts(line.discount, line.net, line.duty, line.vat) for line in lines)
    if sums.gross > LARGEST:
        raise InvalidInputError("the invoice is too large")
    return InvoiceCreated(
        number, customer_id, currency, lines, sums.net, sums.vat, sums.duty, sums.discount, prices_include_tax
    )


def check_currency(code: str) -> None:
    """Refuse what cannot be a currency.

    Raises:
        InvalidInputError: It is not three capital letters.
    """
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise InvalidInputError("currency is not a code of three capital letters")


def issue(invoice: Invoice, due_on: date, language: Language = Language.ENGLISH) -> InvoiceIssued:
    """Send a draft.

    Raises:
        ConflictError: It was sent before.
    """
    if invoice.status is not Status.DRAFT:
        raise ConflictError(f"the invoice is {invoice.status}, only a DRAFT can be issued")
    return InvoiceIssued(invoice.customer_id, invoice.currency, invoice.gross, due_on, language)


@dataclass(frozen=True, slots=True)
class Money:
    """What a client says came in, with its own key for it."""

    amount: Decimal
    key: str
    method: PaymentMethod = PaymentMethod.BANK


def pay(
    invoice_id: UUID, invoice: Invoice, payment_id: UUID, money: Money
) -> tuple[PaymentReceived, InvoicePaymentApplied]:
    """Take a payment: one event for the payment's stream, one for the invoice's.

    Raises:
        ConflictError: The invoice is not open for payment.
        InvalidInputError: The amount is zero, or more than is owed.
    """
    if invoice.status not in {Status.ISSUED, Status.PARTLY_PAID}:
        raise ConflictError(f"the invoice is {invoice.status}, it takes no payment")
    amount = money.amount
    if amount <= 0:
        raise InvalidInputError("amount is not above zero")
    if amount > invoice.open:
        raise InvalidInputError(f"amount is more than the {invoice.open} that is owed")
    received = PaymentReceived(invoice_id, invoice.customer_id, invoice.currency, amount, money.key, money.method)
    return received, InvoicePaymentApplied(payment_id, invoice.customer_id, invoice.currency, amount)


def apply(invoice: Invoice | None, event: Event) -> Invoice:
    """Return the state after an event of the invoice's stream.

    Raises:
        ValueError: The event cannot stand there.
    """
    if isinstance(event, InvoiceCreated) and invoice is None:
        return Invoice(1, Status.DRAFT, event.customer_id, event.currency, event.gross)
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


def starts(event: Event) -> bool:
    """Whether a stream that begins with this event is an invoice's."""
    return isinstance(event, InvoiceCreated)


def replay(events: Iterable[Event], state: Invoice | None = None) -> Invoice | None:
    """Return the state after events that follow on a state, or on nothing; None when there are none."""
    for event in events:
        state = apply(state, event)
    return state


def _line(item: Item, inclusive: bool) -> Line:  # noqa: FBT001 - as the invoice says
    treatment = item.treatment or tax.treatment_of(item.vat_rate)
    terms = tax.Terms(item.vat_rate, treatment, item.duty_rate, inclusive)
    if problem := tax.problem_of(terms):
        raise InvalidInputError(problem)
    if item.quantity <= 0:
        raise InvalidInputError("quantity is not above zero")
    price = tax.price_of(item.quantity, item.unit_price)
    if price > LARGEST:
        raise InvalidInputError("a line is too large")
    sums = tax.amounts(price, _discount(item, price), terms)
    return Line(
        product_id=item.product_id,
        description=item.description,
        quantity=item.quantity,
        unit_price=item.unit_price,
        vat_rate=item.vat_rate,
        net=sums.net,
        vat=sums.vat,
        treatment=treatment,
        duty_rate=item.duty_rate,
        duty=sums.duty,
        discount=sums.discount,
    )


def _discount(item: Item, price: Decimal) -> Decimal:
    if item.discount is not None and item.discount_percent is not None:
        raise InvalidInputError("a line has a discount or a discountPercent, not both")
    if item.discount_percent is None:
        discount = ZERO if item.discount is None else item.discount
    elif item.discount_percent > tax.HUNDRED:
        raise InvalidInputError("discountPercent is more than 100")
    else:
        discount = tax.discount_of(price, item.discount_percent)
    if discount > price:
        raise InvalidInputError("discount is more than the price of the line")
    return discount
