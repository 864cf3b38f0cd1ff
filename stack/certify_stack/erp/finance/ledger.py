"""The ledger: what is booked where, so that debits and credits of every entry are equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from certify_stack.erp.finance.events import (
    Event,
    JournalEntryPosted,
    JournalEntryReversed,
    JournalLine,
    PaymentMethod,
)
from certify_stack.erp.finance.money import LARGEST, ZERO
from certify_stack.kit.errors import ConflictError, InvalidInputError

RECEIVABLE, VAT_PAYABLE, DUTY_PAYABLE, SALES, BANK_CHARGES = "1200", "2100", "2110", "4000", "6000"
MONEY = {
    PaymentMethod.CASH: "1000",
    PaymentMethod.BANK: "1010",
    PaymentMethod.MOBILE: "1020",
    PaymentMethod.CHEQUE: "1030",
}
# Accounts that finance books on by itself; all others are in the chart of accounts.
OWN_ACCOUNTS = frozenset({RECEIVABLE, VAT_PAYABLE, DUTY_PAYABLE, SALES, BANK_CHARGES, *MONEY.values()})
MOST_LINES = 100
# Changes all but the first eight digits of an id.
ENTRIES = 0x5F5E_5D0C_9D53_0D1F4F4C0A01


class Source(StrEnum):
    """What an entry comes from."""

    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    MANUAL = "MANUAL"
    REVERSAL = "REVERSAL"


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of a journal entry that decisions need."""

    version: int
    posted: JournalEntryPosted
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What an issued invoice consists of."""

    net: Decimal
    duty: Decimal
    vat: Decimal


def entry_of(subject: UUID) -> UUID:
    """Return the id of the entry that an invoice or a payment leads to; the same each time."""
    return UUID(int=subject.int ^ ENTRIES)


def of_invoice(parts: Parts) -> tuple[JournalLine, ...]:
    """Return what an issued invoice books: the customer owes all; the taxes are owed to the state."""
    total = parts.net + parts.duty + parts.vat
    return _lines(
        (RECEIVABLE, total, ZERO),
        (SALES, ZERO, parts.net),
        (DUTY_PAYABLE, ZERO, parts.duty),
        (VAT_PAYABLE, ZERO, parts.vat),
    )


def of_payment(amount: Decimal, method: PaymentMethod) -> tuple[JournalLine, ...]:
    """Return what a payment books: the money is there, and the customer owes that much less."""
    return _lines((MONEY[method], amount, ZERO), (RECEIVABLE, ZERO, amount))


def _lines(*given: tuple[str, Decimal, Decimal]) -> tuple[JournalLine, ...]:
    return tuple(JournalLine(account, debit, credit) for account, debit, credit in given if debit or credit)


def totals(lines: Iterable[JournalLine]) -> tuple[Decimal, Decimal]:
    """Return the sums of debits and credits."""
    items = tuple(lines)
    return sum((line.debit for line in items), ZERO), sum((line.credit for line in items), ZERO)


def post(currency: str, posted_on: date, memo: str, lines: Sequence[JournalLine]) -> JournalEntryPosted:
    """Book an entry by hand.

    Raises:
        InvalidInputError: It has no two lines or too many, a line is not one-sided, or the sides differ.
    """
    if not 2 <= len(lines) <= MOST_LINES:
        raise InvalidInputError(f"an entry has 2 to {MOST_LINES} lines")
    for line in lines:
        if (line.debit > 0) is (line.credit > 0):
            raise InvalidInputError("each line has a debit or a credit above zero, not both")
    debit, credit = totals(lines)
    if debit != credit:
        raise InvalidInputError(f"debits of {debit} are not credits of {credit}")
    if debit > LARGEST:
        raise InvalidInputError("the entry is too large")
    return JournalEntryPosted(currency, posted_on, memo, tuple(lines))


def reverse(entry: Entry, reversal_id: UUID, posted_on: date) -> JournalEntryReversed:
    """Book the opposite of an entry that was made by hand.

    Raises:
        ConflictError: It was reversed before.
    """
    if entry.reversed:
        raise ConflictError("the entry was reversed before")
    lines = tuple(JournalLine(line.account, line.credit, line.debit) for line in entry.posted.lines)
    return JournalEntryReversed(reversal_id, entry.posted.currency, posted_on, entry.posted.memo, lines)


def replay(events: Iterable[Event]) -> Entry | None:
    """Return the state after all events of an entry's stream; None when there are none, or it is no entry's."""
    entry: Entry | None = None
    for event in events:
        match event:
            case JournalEntryPosted() if entry is None:
                entry = Entry(1, event)
            case JournalEntryReversed() if entry is not None:
                entry = Entry(entry.version + 1, entry.posted, reversed=True)
            case _:
                return None
    return entry
