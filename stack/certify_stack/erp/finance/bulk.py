"""Imports of invoices: the rows of a file all become invoices in one transaction, or none does.

Read models are filled while rows arrive; nobody sees them before the end. Events wait in a table of the transaction for
their positions, so that the right to append, for which all commands wait, is held only for as long as copying them takes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec
from opentelemetry import trace

from certify_stack.erp.catalog import CUSTOMER, PRODUCT
from certify_stack.erp.finance import event_store
from certify_stack.erp.finance.bulk_rows import MOST_REFUSALS, Drawn, Given, Refusal, Seen, draw, over_limit
from certify_stack.erp.finance.bulk_staging import DIRECT, LINK_COLUMNS, STAGED_COLUMNS, Staged, Sums, stage
from certify_stack.erp.finance.rows import columns_of
from certify_stack.kit import outbox
from certify_stack.kit.client import CallError
from certify_stack.kit.database import Connection
from certify_stack.kit.errors import DependencyUnavailableError, InvalidInputError
from certify_stack.kit.model import Foreign
from certify_stack.kit.references import EXIST
from certify_stack.kit.runtime import Runtime

# All commands wait while the events of a file are appended: a fifth of a second for 10,000 rows, longer where much goes on.
MOST_ROWS = 50_000
PROGRESS = "imports"
ASKED_AT_ONCE = 200
# Statements on a whole file take longer than those of a command.
SECONDS = 300

KNOWN = "SELECT id, currency, invoices, net, duty, vat, gross FROM invoice_import WHERE sha256 = $1"
KNOWN_REFERENCES = "SELECT reference FROM imported_invoice WHERE reference = ANY($1::text[])"
STAGE = """
    CREATE TEMPORARY TABLE staged_event (ordinal bigint, event_id uuid, stream_id uuid, stream_version integer, type text,
        type_version integer, data text) ON COMMIT DROP
"""
BALANCED_NOW = "SET CONSTRAINTS journal_entry_balances, journal_line_balances IMMEDIATE"
NUMBERS = "SELECT nextval('invoice_number') FROM generate_series(1, $1)"
OWED = "SELECT customer_id, balance, credit_limit FROM account_balance WHERE currency = $1 AND customer_id = ANY($2::uuid[])"
APPEND = """
    INSERT INTO events (position, event_id, stream_type, stream_id, stream_version, type, type_version, data, metadata,
        recorded_at)
    SELECT $1 + ordinal, event_id, 'Invoice', stream_id, stream_version, type, type_version, data::jsonb, $2::jsonb, $3
    FROM staged_event ORDER BY ordinal
"""
BILL = """
    INSERT INTO account_balance AS before (customer_id, currency, invoiced, paid, balance, updated_at)
    SELECT customer, $2, gross, 0, gross, $4 FROM unnest($1::uuid[], $3::numeric[]) AS billed (customer, gross)
    ON CONFLICT (customer_id, currency) DO UPDATE SET invoiced = before.invoiced + excluded.invoiced,
        balance = before.balance + excluded.balance, updated_at = excluded.updated_at
"""
REMEMBER = """
    INSERT INTO invoice_import (id, sha256, currency, invoices, net, duty, vat, gross, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


class Asked(msgspec.Struct, frozen=True):
    """Which import it is, of which content, and for whom."""

    import_id: UUID
    sha256: str
    actor: str


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an import ended: ``imported``; ``known``, when this content was imported before; or ``refused``."""

    state: str
    import_id: UUID
    invoices: int = 0
    currency: str = ""
    net: Decimal = Decimal(0)
    duty: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()


class _Undone(Exception):  # noqa: N818 - no error: it takes the transaction back
    """Ends a transaction without effect; holds what to answer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.state)
        self.outcome = outcome


async def run(runtime: Runtime, asked: Asked, batches: AsyncIterator[Sequence[Given]]) -> Outcome:
    """Import all rows, or none.

    Raises:
        InvalidInputError: There is no row, or there are too many.
        DependencyUnavailableError: An owner of customers or products does not answer; nothing was written.
    """
    progress: dict[UUID, int] = runtime.shared.setdefault(PROGRESS, {})
    try:
        async with runtime.database.transaction() as connection:
            await _known(connection, asked)
            run_of_it = _Run(runtime, asked, connection)
            await connection.execute(STAGE)
            async for batch in batches:
                await run_of_it.take(batch)
                progress[asked.import_id] = run_of_it.rows
            return await run_of_it.finish()
    except _Undone as undone:
        return undone.outcome
    finally:
        progress.pop(asked.import_id, None)


def progress_of(runtime: Runtime, import_id: UUID) -> int | None:
    """Return how many rows of an import that runs in this process were judged; None when it does not run."""
    progress: dict[UUID, int] = runtime.shared.get(PROGRESS, {})
    return progress.get(import_id)


async def _known(connection: Connection, asked: Asked) -> None:
    row = await connection.fetchrow(KNOWN, asked.sha256)
    if row is not None:
        values = dict(row)
        raise _Undone(Outcome("known", values.pop("id"), **values))


class _Run:
    """One import inside of its transaction."""

    def __init__(self, runtime: Runtime, asked: Asked, connection: Connection) -> None:
        self._runtime, self._asked, self._connection = runtime, asked, connection
        self._seen, self._sums = Seen(), Sums()
        self._exist: dict[tuple[str, UUID], bool] = {}
        self._refusals: list[Refusal] = []
        self.rows = self._refused = 0
        self._now = datetime.now(UTC)

    async def take(self, batch: Sequence[Given]) -> None:
        """Judge a batch; copy it unless a bad row was seen already."""
        self.rows += len(batch)
        if self.rows > MOST_ROWS:
            raise InvalidInputError(f"a file has at most {MOST_ROWS} rows")
        good = []
        for given in batch:
            drawn = draw(given, self._seen)
            if isinstance(drawn, Refusal):
                self._refuse(drawn)
            else:
                good.append(drawn)
        good = await self._existing(good)
        for drawn in good:
            self._sums.add(drawn)
        if good and not self._refused:
            await self._copy(good)

    async def finish(self) -> Outcome:
        """Take the right to append, and make all of it true, or nothing.

        Raises:
            _Undone: A row was bad, or somebody else has imported this content meanwhile.
        """
        if not self.rows:
            raise InvalidInputError("the file has no row besides its header")
        # Each entry of the ledger is looked at now: the commit would do it while all commands wait.
        await self._connection.execute(BALANCED_NOW, timeout=SECONDS)
        last = await event_store.lock(self._connection)
        await _known(self._connection, self._asked)
        await self._check_credit()
        if self._refused:
            raise _Undone(self._no())
        await self._append(last)
        return await self._record()

    def _refuse(self, refusal: Refusal) -> None:
        self._refused += 1
        if len(self._refusals) < MOST_REFUSALS:
            self._refusals.append(refusal)

    def _no(self) -> Outcome:
        refusals = tuple(sorted(self._refusals, key=lambda refusal: refusal.line))
        return Outcome("refused", self._asked.import_id, refused=self._refused, refusals=refusals)

    async def _existing(self, rows: Sequence[Drawn]) -> list[Drawn]:
        """Return the rows whose customers and products exist, and that were in no file before."""
        customers = {row.created.customer_id for row in rows}
        products = {row.created.lines[0].product_id for row in rows}
        await asyncio.gather(self._ask(CUSTOMER, customers), self._ask(PRODUCT, products))
        found = await self._connection.fetch(KNOWN_REFERENCES, [row.reference for row in rows])
        before = {row["reference"] for row in found}
        good = []
        for row in rows:
            if reason := self._stranger(row, before):
                self._refuse(Refusal(row.line, reason))
            else:
                good.append(row)
        return good

    def _stranger(self, row: Drawn, before: set[str]) -> str:
        if row.reference in before:
            return "an invoice with this reference was imported before"
        if not self._exist.get((CUSTOMER.name, row.created.customer_id), True):
            return "customer_id: there is no Customer with this id"
        if not self._exist.get((PRODUCT.name, row.created.lines[0].product_id), True):
            return "product_id: there is no Product with this id"
        return ""

    async def _ask(self, target: Foreign, keys: Iterable[UUID]) -> None:
        """Ask the owner about keys that were not asked about before, unless nobody knows where it is."""
        client = self._runtime.client
        if target.service not in client.urls:
            return
        new = [key for key in keys if (target.name, key) not in self._exist]
        for first in range(0, len(new), ASKED_AT_ONCE):
            some = new[first : first + ASKED_AT_ONCE]
            asked = [{"__typename": target.name, "id": str(key)} for key in some]
            try:
                data = await client.graphql(target.service, EXIST, {"r": asked})
                answers = zip(some, data.get("_entities") or (), strict=True)
                self._exist |= {(target.name, key): answer is not None for key, answer in answers}
            except (CallError, ValueError) as error:
                raise DependencyUnavailableError(target.service) from error

    async def _copy(self, rows: Sequence[Drawn]) -> None:
        numbers = [row[0] for row in await self._connection.fetch(NUMBERS, len(rows))]
        after = 2 * (self._sums.invoices - len(rows))
        staged = stage(self._asked.import_id, rows, numbers, after, self._now)
        await copy_staged(self._connection, staged)

    async def _check_credit(self) -> None:
        rows = await self._connection.fetch(OWED, self._seen.currency, list(self._sums.billed))
        owed = {row["customer_id"]: row["balance"] for row in rows}
        limits = {row["customer_id"]: row["credit_limit"] for row in rows if row["credit_limit"] is not None}
        for refusal in over_limit(self._sums.owing, owed, limits):
            self._refuse(refusal)

    async def _append(self, last: int) -> None:
        span = trace.get_current_span().get_span_context()
        trace_id = trace.format_trace_id(span.trace_id) if span.is_valid else None
        metadata = {"actor": self._asked.actor, "trace_id": trace_id, "import_id": self._asked.import_id}
        about = msgspec.json.encode(metadata).decode()
        await self._connection.execute(APPEND, last, about, self._now, timeout=SECONDS)
        billed = self._sums.billed
        await self._connection.execute(
            BILL, list(billed), self._seen.currency, list(billed.values()), self._now, timeout=SECONDS
        )
        position = last + 2 * self._sums.invoices
        await self._connection.execute("UPDATE projection_checkpoint SET position = $1", position)

    async def _record(self) -> Outcome:
        """Note what was done, and tell other services once: not of each invoice, for nobody needs a bill again."""
        sums, asked = self._sums, self._asked
        outcome = Outcome(
            "imported", asked.import_id, sums.invoices, self._seen.currency, sums.net, sums.duty, sums.vat, sums.gross
        )
        amounts = (outcome.currency, outcome.invoices, outcome.net, outcome.duty, outcome.vat, outcome.gross)
        await self._connection.execute(REMEMBER, asked.import_id, asked.sha256, *amounts, self._now)
        names = ("currency", "invoices", "net", "duty", "vat", "gross")
        data = {"sha256": asked.sha256, **dict(zip(names, amounts, strict=True))}
        told = outbox.Event(type="InvoicesImported", subject=asked.import_id, subject_type="InvoiceImport", data=data)
        await outbox.record(self._connection, "finance", asked.actor, [told])
        return outcome


async def copy_staged(connection: Connection, staged: Staged) -> None:
    """Copy a batch: read models and links where they belong, events where they wait.

    Raises:
        InvalidInputError: A value does not fit its column, or another import took the same reference meanwhile.
    """
    try:
        for kind in DIRECT:
            await _copy(connection, kind.TABLE, columns_of(kind), staged.rows[kind])
        await _copy(connection, "imported_invoice", LINK_COLUMNS, staged.links)
        await _copy(connection, "staged_event", STAGED_COLUMNS, staged.events)
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        raise InvalidInputError(f"the rows cannot be stored: {error}") from error


async def _copy(connection: Connection, table: str, columns: Sequence[str], text: str) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield text.encode()

    if text:
        await connection.copy_to_table(table, source=source(), columns=columns, timeout=SECONDS)
