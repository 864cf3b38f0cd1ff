"""The GraphQL types of the ledger and of customers' accounts."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Self
from uuid import UUID

import strawberry

from certify_stack.erp.finance import queries
from certify_stack.kit.roles import BOOKKEEPERS, REVIEWERS
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.types import Info

READ_LEDGER = BOOKKEEPERS | REVIEWERS
WRITE_LEDGER = BOOKKEEPERS


@strawberry.enum(description="What a journal entry comes from.")
class JournalSource(Enum):
    """What a journal entry comes from."""

    INVOICE = strawberry.enum_value("INVOICE", description="An invoice was issued.")
    PAYMENT = strawberry.enum_value("PAYMENT", description="A payment came in.")
    MANUAL = strawberry.enum_value("MANUAL", description="Somebody made it by hand.")
    REVERSAL = strawberry.enum_value("REVERSAL", description="An entry made by hand was reversed.")


@strawberry.type(description="One side of a journal entry on one account.")
class JournalLine:
    """One side of a journal entry."""

    account: str = strawberry.field(description="Number of the account in the chart.")
    debit: Decimal = strawberry.field(description="What is booked on the debit side; 0.00 if it is a credit.")
    credit: Decimal = strawberry.field(description="What is booked on the credit side; 0.00 if it is a debit.")


async def _lines(root: Any, info: Info) -> list[JournalLine]:
    rows = await queries.bookings_of(info, UUID(root.id))
    return [JournalLine(account=row["account"], debit=row["debit"], credit=row["credit"]) for row in rows]


@strawberry.federation.type(description="Amounts that were booked together; both sides are equal.", keys=["id"])
class JournalEntry:
    """Amounts that were booked together."""

    id: strawberry.ID = strawberry.field(description="The key.")
    source: JournalSource = strawberry.field(description="What it comes from.")
    source_id: strawberry.ID = strawberry.field(description="The key of the invoice, payment or entry it comes from.")
    currency: str = strawberry.field(description="Three-letter code of the currency of all its amounts.")
    posted_on: date = strawberry.field(description="The day for which it is booked.")
    memo: str = strawberry.field(description="What it is about.")
    total: Decimal = strawberry.field(description="Sum of its debits, and of its credits.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    reversed_by: strawberry.ID | None = strawberry.field(description="The key of the entry that reversed it, or null.")

    lines: list[JournalLine] = strawberry.field(resolver=_lines, description="Its lines, in order.")

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID, info: Info) -> Self | None:  # noqa: A002 - the key's name
        """Return the entry that another subgraph names."""
        info.context.require("Query.journalEntry", READ_LEDGER)
        row = await queries.entry_row(info, parse_id(id))
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as an entry."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            source=row["source"],
            source_id=strawberry.ID(str(row["source_id"])),
            currency=row["currency"],
            posted_on=row["posted_on"],
            memo=row["memo"],
            total=row["total"],
            recorded_at=row["recorded_at"],
            reversed_by=None if row["reversed_by"] is None else strawberry.ID(str(row["reversed_by"])),
        )


@strawberry.type(description="What was booked on one account in all.")
class TrialBalanceLine:
    """What was booked on one account in all."""

    account: str = strawberry.field(description="Number of the account in the chart.")
    debit: Decimal = strawberry.field(description="Sum of its debits.")
    credit: Decimal = strawberry.field(description="Sum of its credits.")


@strawberry.input(description="One side of a new journal entry: a debit or a credit.")
class JournalLineInput:
    """One side of a new journal entry."""

    account: str = strawberry.field(description="Number of the account in the chart.")
    debit: Decimal | None = strawberry.field(description="What is booked on the debit side.", default=None)
    credit: Decimal | None = strawberry.field(description="What is booked on the credit side.", default=None)


@strawberry.input(description="A new journal entry; its debits must equal its credits.")
class PostJournalEntryInput:
    """A new journal entry."""

    memo: str = strawberry.field(description="What it is about.")
    lines: list[JournalLineInput] = strawberry.field(description="2 to 100 lines.")
    currency: str = strawberry.field(description="Three-letter code of the currency.", default="BDT")
    posted_on: date | None = strawberry.field(
        description="The day for which it is booked; today if absent.", default=None
    )


@strawberry.input(description="What journal entries must equal.")
class JournalEntriesWhere:
    """What journal entries must equal."""

    source: JournalSource | None = strawberry.field(description="What they come from.", default=strawberry.UNSET)
    source_id: strawberry.ID | None = strawberry.field(
        description="The key of the invoice, payment or entry they come from.", default=strawberry.UNSET
    )
