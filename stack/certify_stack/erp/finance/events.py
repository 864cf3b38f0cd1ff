"""The events of finance: typed, versioned, and upgraded when an old version is read."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.erp.finance.printing import Language
from certify_stack.erp.finance.tax import Treatment
from certify_stack.erp.finance.upgrades import UPGRADES


class Line(msgspec.Struct, frozen=True):
    """A line of an invoice as it was agreed."""

    product_id: UUID
    description: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    treatment: Treatment
    duty_rate: Decimal
    duty: Decimal
    discount: Decimal


class InvoiceCreated(msgspec.Struct, frozen=True):
    """An invoice was drawn up.

    Version 2: the tax rate stands in each line, and the currency is stated. Version 3: supplementary duty, discounts,
    how each line is taxed, and whether the unit prices include tax.
    """

    number: str
    customer_id: UUID
    currency: str
    lines: tuple[Line, ...]
    net: Decimal
    vat: Decimal
    duty: Decimal
    discount: Decimal
    prices_include_tax: bool

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return self.net + self.duty + self.vat


class InvoiceIssued(msgspec.Struct, frozen=True):
    """An invoice was sent; from now on the customer owes its gross amount. Version 2: in which language."""

    customer_id: UUID
    currency: str
    gross: Decimal
    due_on: date
    language: Language = Language.ENGLISH


class InvoicePaymentApplied(msgspec.Struct, frozen=True):
    """A payment was set against an invoice."""

    payment_id: UUID
    customer_id: UUID
    currency: str
    amount: Decimal


class PaymentMethod(StrEnum):
    """How money came in."""

    BANK = "BANK"
    CASH = "CASH"
    CHEQUE = "CHEQUE"
    MOBILE = "MOBILE"


class PaymentReceived(msgspec.Struct, frozen=True):
    """Money came in for an invoice. Version 2: how it came in."""

    invoice_id: UUID
    customer_id: UUID
    currency: str
    amount: Decimal
    idempotency_key: str
    method: PaymentMethod = PaymentMethod.BANK


class CustomerAccountOpened(msgspec.Struct, frozen=True):
    """A customer may owe up to a limit, or anything. Version 2: in any currency, and without a limit."""

    customer_id: UUID
    currency: str
    credit_limit: Decimal | None


class CreditLimitChanged(msgspec.Struct, frozen=True):
    """A customer may owe more or less than before."""

    customer_id: UUID
    currency: str
    credit_limit: Decimal | None


class JournalLine(msgspec.Struct, frozen=True):
    """One side of a journal entry on one account; one of the amounts is zero."""

    account: str
    debit: Decimal
    credit: Decimal


class JournalEntryPosted(msgspec.Struct, frozen=True):
    """An entry was made by hand. Version 2: debit and credit instead of a sign, and the currency."""

    currency: str
    posted_on: date
    memo: str
    lines: tuple[JournalLine, ...]


class JournalEntryReversed(msgspec.Struct, frozen=True):
    """The opposite of an entry was booked, as an entry of its own."""

    reversal_id: UUID
    currency: str
    posted_on: date
    memo: str
    lines: tuple[JournalLine, ...]


Event = (
    InvoiceCreated
    | InvoiceIssued
    | InvoicePaymentApplied
    | PaymentReceived
    | CustomerAccountOpened
    | CreditLimitChanged
    | JournalEntryPosted
    | JournalEntryReversed
)

VERSIONS: Mapping[type[Any], int] = {
    InvoiceCreated: 3,
    InvoiceIssued: 2,
    InvoicePaymentApplied: 1,
    PaymentReceived: 2,
    CustomerAccountOpened: 2,
    CreditLimitChanged: 1,
    JournalEntryPosted: 2,
    JournalEntryReversed: 1,
}
TYPES: Mapping[str, type[Any]] = {kind.__name__: kind for kind in VERSIONS}


class Recorded(msgspec.Struct, frozen=True):
    """An event with its place: global position, stream and version in the stream."""

    position: int
    stream_id: UUID
    stream_version: int
    recorded_at: datetime
    event: Event


class UnknownEventError(ValueError):
    """A stored event has a type or version that this code does not know."""


def encode(event: Event) -> tuple[str, int, str]:
    """Return type name, version and data as JSON; amounts are strings."""
    return type(event).__name__, VERSIONS[type(event)], msgspec.json.encode(event).decode()


def decode(kind: str, version: int, data: str | bytes) -> Event:
    """Return a stored event in its newest version.

    Raises:
        UnknownEventError: The type is unknown, or no chain of upgrades leads to the newest version.
    """
    target = TYPES.get(kind)
    if target is None:
        raise UnknownEventError(f"unknown event type {kind!r}")
    if version == VERSIONS[target]:
        event: Event = msgspec.json.decode(data, type=target)
        return event
    values = msgspec.json.decode(data)
    for step in range(version, VERSIONS[target]):
        upgrade = UPGRADES.get((kind, step))
        if upgrade is None:
            raise UnknownEventError(f"no upgrade of {kind} from version {step}")
        values = upgrade(values)
    if version > VERSIONS[target]:
        raise UnknownEventError(f"{kind} version {version} is newer than this code")
    upgraded: Event = msgspec.convert(values, type=target)
    return upgraded
