"""The queries and mutations of the ledger and of customers' accounts."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from certify_stack.erp.catalog import CUSTOMER
from certify_stack.erp.finance import commands, queries
from certify_stack.erp.finance.commands import Caller, NewEntry
from certify_stack.erp.finance.events import JournalLine as Line
from certify_stack.erp.finance.graphql_types import READ_PAYMENTS, WRITE_PAYMENTS, Account
from certify_stack.erp.finance.ledger_types import (
    READ_LEDGER,
    WRITE_LEDGER,
    JournalEntriesWhere,
    JournalEntry,
    JournalLineInput,
    PostJournalEntryInput,
    TrialBalanceLine,
)
from certify_stack.erp.finance.money import ZERO
from certify_stack.kit.model import Operation
from certify_stack.kit.references import Reference
from certify_stack.kit.scalars import check_day, check_decimal, check_text, parse_id
from certify_stack.kit.types import Info
from certify_stack.kit.values import check_page

Limit = Annotated[int, strawberry.argument(description="How many entries at most, 1 to 100.")]
Offset = Annotated[int, strawberry.argument(description="How many entries to pass over, at most 100000.")]
EntryId = Annotated[strawberry.ID, strawberry.argument(description="The key of the journal entry.")]
CurrencyCode = Annotated[str, strawberry.argument(description="Three-letter code of the currency.")]
CommandKey = Annotated[
    str | None, strawberry.argument(description="The client's own key; the same key again has no further effect.")
]


def caller_of(info: Info) -> Caller:
    """Return on whose behalf a request is made."""
    return Caller(info.context.principal.subject)


def key_of(given: str | None) -> str | None:
    """Return the client's own key, checked."""
    return None if given is None else check_text(given, "idempotencyKey", 120)


def _line(given: JournalLineInput) -> Line:
    debit = ZERO if given.debit is None else check_decimal(given.debit, "debit", 2)
    credit = ZERO if given.credit is None else check_decimal(given.credit, "credit", 2)
    return Line(check_text(given.account, "account", 20), debit, credit)


async def _entry(info: Info, key: Any) -> JournalEntry:
    return JournalEntry.of(await queries.entry_row(info, key))


async def post_journal_entry(
    info: Info,
    input: Annotated[PostJournalEntryInput, strawberry.argument(description="The new entry.")],  # noqa: A002 - the schema's name
    idempotency_key: CommandKey = None,
) -> JournalEntry:
    """Book an entry by hand."""
    day = datetime.now(UTC).date() if input.posted_on is None else check_day(input.posted_on, "postedOn")
    lines = [_line(line) for line in input.lines]
    asked = NewEntry(check_text(input.currency, "currency", 3), day, check_text(input.memo, "memo", 500), lines)
    key = await commands.post_entry(info.context.database, caller_of(info), asked, key_of(idempotency_key))
    return await _entry(info, key)


async def reverse_journal_entry(
    info: Info,
    id: EntryId,  # noqa: A002 - the argument's name in the schema
    idempotency_key: CommandKey = None,
) -> JournalEntry:
    """Book the opposite of an entry that was made by hand."""
    today = datetime.now(UTC).date()
    key = await commands.reverse_entry(
        info.context.database, caller_of(info), parse_id(id), today, key_of(idempotency_key)
    )
    return await _entry(info, key)


async def set_credit_limit(
    info: Info,
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Whose account.")],
    credit_limit: Annotated[
        Decimal | None, strawberry.argument(description="The most that the customer may owe; anything if absent.")
    ] = None,
    currency: CurrencyCode = "BDT",
) -> Account | None:
    """Say how much a customer may owe."""
    customer = parse_id(customer_id, "customerId")
    limit = None if credit_limit is None else check_decimal(credit_limit, "creditLimit", 2)
    await info.context.runtime.references.check([Reference("customerId", CUSTOMER, customer)])
    await commands.set_credit_limit(info.context.database, caller_of(info), customer, currency, limit)
    return Account.of(await info.context.database.fetchrow(queries.ACCOUNT, customer, currency))


async def journal_entry(info: Info, id: EntryId) -> JournalEntry | None:  # noqa: A002 - the argument's name in the schema
    """Return one entry."""
    row = await queries.entry_row(info, parse_id(id))
    return None if row is None else JournalEntry.of(row)


async def journal_entries(
    info: Info,
    limit: Limit = 20,
    offset: Offset = 0,
    where: Annotated[
        JournalEntriesWhere | None, strawberry.argument(description="Only entries that equal all of these.")
    ] = None,
) -> list[JournalEntry]:
    """Return entries, newest first."""
    check_page(limit, offset)
    filters: dict[str, Any] = {}
    if where is not None and where.source:
        filters["source"] = where.source.value
    if where is not None and where.source_id:
        filters["source_id"] = parse_id(where.source_id, "sourceId")
    rows = await queries.page(info.context.database, queries.ENTRY, "recorded_at", filters, (limit, offset))
    return [JournalEntry.of(row) for row in rows]


async def trial_balance(info: Info, currency: CurrencyCode = "BDT") -> list[TrialBalanceLine]:
    """Return what was booked on each account in all."""
    rows = await info.context.database.fetch(queries.TRIAL_BALANCE, check_text(currency, "currency", 3))
    return [TrialBalanceLine(account=row["account"], debit=row["debit"], credit=row["credit"]) for row in rows]


QUERIES = (
    Operation(
        name="journalEntry", description="One journal entry by id, or null.", resolver=journal_entry, roles=READ_LEDGER
    ),
    Operation(
        name="journalEntries", description="Journal entries, newest first.", resolver=journal_entries, roles=READ_LEDGER
    ),
    Operation(
        name="trialBalance",
        description="What was booked on each account in all; debits and credits have the same sum.",
        resolver=trial_balance,
        roles=READ_PAYMENTS,
    ),
)
MUTATIONS = (
    Operation(
        name="setCreditLimit",
        description="Say how much a customer may owe in one currency.",
        resolver=set_credit_limit,
        roles=WRITE_PAYMENTS,
    ),
    Operation(
        name="postJournalEntry",
        description="Book an entry by hand; its debits must equal its credits.",
        resolver=post_journal_entry,
        roles=WRITE_LEDGER,
    ),
    Operation(
        name="reverseJournalEntry",
        description="Book the opposite of an entry that was made by hand; gives the new entry.",
        resolver=reverse_journal_entry,
        roles=WRITE_LEDGER,
    ),
)
