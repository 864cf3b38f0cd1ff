"""Reports of imports and exports, streamed: rows come from the books of finance, in batches."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import msgspec

from certify_stack.erp.import_export import printed, report
from certify_stack.erp.import_export.report import Booked, Facts, Refused, Totals
from certify_stack.kit.client import CallError
from certify_stack.kit.errors import ConflictError
from certify_stack.kit.runtime import Context
from certify_stack.kit.streams import lines_of
from certify_stack.kit.transfer import Transfers
from certify_stack.printing import table_report

REFUSALS = "SELECT row_number, reason FROM row_refusal WHERE import_job_id = $1 ORDER BY row_number"
EXPORT_HEADER = (
    "number",
    "customer_id",
    "currency",
    "status",
    "net",
    "duty",
    "vat",
    "gross",
    "paid",
    "due_on",
)
UNFINISHED = "the import has not ended yet"

Batches = AsyncIterator[list[Any]]
_booked = msgspec.json.Decoder(list[Booked])


class End(msgspec.Struct, frozen=True):
    """How many rows finance has sent."""

    rows: int


async def rows_of(context: Context, path: str, decode: Callable[[bytes], list[Any]]) -> Batches:
    """Yield batches of rows from finance.

    Raises:
        CallError: finance does not answer, or its answer breaks off.
    """
    transfers = Transfers(context.runtime.client, context.runtime.tracing)
    count, end = 0, -1
    async with transfers.open("finance", "GET", path) as answer:
        async for line in lines_of(answer.aiter_bytes()):
            if line.startswith(b"{"):
                end = msgspec.json.decode(line, type=End).rows
            else:
                rows = decode(line)
                count += len(rows)
                yield rows
    if count != end:
        raise CallError(f"finance sent {count} rows of {end}")


async def as_csv(context: Context, job: Any) -> AsyncIterator[str]:
    """Yield the report of an import as CSV: all rows and their sums, or what was refused and why."""
    if job["state"] != "DONE":
        yield report.csv_refused(await _refused(context, job))
        return
    totals = Totals()
    yield report.csv_line(report.HEADER)
    async for rows in _imported(context, job):
        yield report.csv_rows(rows, totals)
    yield report.csv_total(totals)


async def as_page(context: Context, job: Any) -> AsyncIterator[str]:
    """Yield the report as a page to look at or to print."""
    about = facts(job)
    if job["state"] != "DONE":
        yield report.page_head(about, report.REFUSED_HEADER)
        yield report.page_rows([(row.line, row.reason) for row in await _refused(context, job)])
    else:
        totals = Totals()
        yield report.page_head(about, report.HEADER)
        async for rows in _imported(context, job):
            yield report.page_rows(report.booked(rows, totals))
        yield report.page_total(totals)
    yield report.page_end()


async def as_pdf(context: Context, job: Any) -> bytes:
    """Return the report as a PDF.

    Raises:
        PrintingError: It cannot be printed here.
    """
    told = facts(job)
    if job["state"] != "DONE":
        made = printed.refused(told, await _refused(context, job))
    else:
        blocks = printed.Blocks(told.rows)
        async for rows in _imported(context, job):
            blocks.add(rows)
        made = blocks.report(told)
    return await asyncio.to_thread(table_report, made, job["updated_at"])


async def as_export(context: Context, currency: str) -> AsyncIterator[str]:
    """Yield all invoices, or those in one currency, as CSV."""
    yield report.csv_line(EXPORT_HEADER)
    path = f"/invoice-export?currency={quote(currency)}"
    async for rows in rows_of(context, path, msgspec.json.Decoder(list[list[Any]]).decode):
        yield "".join(report.csv_line("" if value is None else value for value in row) for row in rows)


def facts(job: Any) -> Facts:
    """Return what the head of a report says.

    Raises:
        ConflictError: The import has not ended.
    """
    if job["state"] not in {"DONE", "FAILED"}:
        raise ConflictError(UNFINISHED)
    return Facts(
        file_name=job["file_name"] or "",
        sha256=job["sha256"] or "",
        state=job["state"],
        currency=job["currency"] or "",
        rows=job["rows_read"],
        refused=job["rows_refused"],
        trouble=job["trouble"] or "",
    )


def _imported(context: Context, job: Any) -> Batches:
    return rows_of(context, f"/invoice-imports/{job['sha256']}", _booked.decode)


async def _refused(context: Context, job: Any) -> list[Refused]:
    return [Refused(*row) for row in await context.database.fetch(REFUSALS, job["id"])]
