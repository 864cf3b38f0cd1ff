"""A row of an imported file becomes an invoice that is sent at once, or a reason why not. No I/O."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

import msgspec

from certify_stack.erp.finance import invoice
from certify_stack.erp.finance.events import InvoiceCreated, InvoiceIssued
from certify_stack.erp.finance.tax import NO_RATE, Treatment
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.scalars import check_decimal, check_text, parse_decimal, parse_id

MOST_REFUSALS = 1_000
TREATMENTS = {kind.value: kind for kind in Treatment}
FLAGS = {"": False, "false": False, "true": True}


class Given(msgspec.Struct, frozen=True, array_like=True):
    """A row as it stands in a file: its line, why it could not be read (empty if it could), and its fields as texts."""

    line: int
    unreadable: str
    reference: str = ""
    customer_id: str = ""
    currency: str = ""
    product_id: str = ""
    description: str = ""
    quantity: str = ""
    unit_price: str = ""
    vat_rate: str = ""
    due_on: str = ""
    treatment: str = ""
    duty_rate: str = ""
    discount: str = ""
    prices_include_tax: str = ""
    gross: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A good row: where it stood, and what it became. Its number is given later."""

    line: int
    reference: str
    created: InvoiceCreated
    issued: InvoiceIssued


class Refusal(msgspec.Struct, frozen=True):
    """A bad row: where it stood, and which rule it breaks."""

    line: int
    reason: str


@dataclass(slots=True)
class Seen:
    """What earlier rows of the same file said: references with their lines, and the currency."""

    references: dict[str, int] = field(default_factory=dict)
    currency: str = ""


def draw(given: Given, seen: Seen) -> Drawn | Refusal:
    """Return what a row becomes; what it says is noted for the rows after it."""
    if given.unreadable:
        return Refusal(given.line, given.unreadable)
    try:
        return _drawn(given, seen)
    except InvalidInputError as error:
        return Refusal(given.line, error.message)


def _drawn(given: Given, seen: Seen) -> Drawn:
    reference = _reference(given.reference)
    before = seen.references.setdefault(reference, given.line)
    if before != given.line:
        raise InvalidInputError(f"reference stands in line {before} already")
    if given.currency != (seen.currency or given.currency):
        raise InvalidInputError(f"currency is not {seen.currency}, as in the rows before")
    inclusive = FLAGS.get(given.prices_include_tax)
    if inclusive is None:
        raise InvalidInputError("prices_include_tax is neither true nor false")
    customer = parse_id(given.customer_id, "customer_id")
    created = invoice.create("", customer, given.currency, [_item(given)], prices_include_tax=inclusive)
    seen.currency = given.currency
    gross = created.gross
    if given.gross and _amount(given.gross, "gross", 2) != gross:
        raise InvalidInputError(f"gross is {given.gross} in the file, and comes to {gross}")
    issued = InvoiceIssued(customer, given.currency, gross, _day(given.due_on, "due_on"))
    return Drawn(given.line, reference, created, issued)


def _reference(text: str) -> str:
    """References come back in reports, so they must be harmless in spreadsheets."""
    plain = text.replace("-", "").replace("/", "").replace(".", "").replace("_", "")
    if not (len(text) <= 60 and plain.isascii() and plain.isalnum() and text[0].isalnum()):
        raise InvalidInputError("reference is not 1 to 60 letters, digits and any of - / . _ after the first")
    return text


def _item(given: Given) -> invoice.Item:
    treatment = TREATMENTS.get(given.treatment)
    if given.treatment and treatment is None:
        raise InvalidInputError(f"treatment is none of {', '.join(TREATMENTS)}")
    return invoice.Item(
        parse_id(given.product_id, "product_id"),
        check_text(given.description, "description", 500),
        _amount(given.quantity, "quantity", 3),
        _amount(given.unit_price, "unit_price", 2),
        _amount(given.vat_rate, "vat_rate", 2),
        treatment,
        _amount(given.duty_rate, "duty_rate", 2) if given.duty_rate else NO_RATE,
        _amount(given.discount, "discount", 2) if given.discount else None,
    )


def _amount(text: str, what: str, scale: int) -> Decimal:
    try:
        return check_decimal(parse_decimal(text), what, scale)
    except (InvalidInputError, InvalidOperation) as error:
        if isinstance(error, InvalidInputError) and error.message.startswith(what):
            raise
        raise InvalidInputError(f"{what} is no decimal number such as 1250.00") from error


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text if len(text) == 10 else "")
    except ValueError as error:
        raise InvalidInputError(f"{what} is no day such as 2026-01-31") from error


def over_limit(
    rows: list[tuple[int, UUID, Decimal]], owed: dict[UUID, Decimal], limits: dict[UUID, Decimal]
) -> list[Refusal]:
    """Return the rows, as line, customer and gross amount, that make a customer owe more than it may.

    Args:
        rows: All rows of the file in order.
        owed: What customers owed before.
        limits: What customers may owe; those that are absent may owe anything.
    """
    refused = []
    for line, customer, gross in rows:
        if customer not in limits:
            continue
        total = owed.get(customer, Decimal(0)) + gross
        if total > limits[customer]:
            refused.append(Refusal(line, f"the customer would owe {total}, and may owe {limits[customer]}"))
        else:
            owed[customer] = total
    return refused
