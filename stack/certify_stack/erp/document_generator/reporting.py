"""Reports are made one after the other, a few at once: sums from finance, a PDF, the file to file-storage.

How many are made at once is bounded, and whoever asks never waits for it: a hundred requests are a queue, not a hundred
processes that typeset.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from opentelemetry.trace import SpanKind

from certify_stack.erp.document_generator.report_requests import COLUMNS, WAKE, data_of
from certify_stack.kit.background import Supervised
from certify_stack.kit.client import AwayError, CallError, RefusedError
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.transfer import Transfers
from certify_stack.kit.working import work_off
from certify_stack.printing import Column, PrintingError, Report, table_report
from certify_stack.printing.typeset import AT_ONCE

log = logging.getLogger(__name__)

NAME, FOLDER, MEDIA_TYPE = "document-generator", "Reports", "application/pdf"
REST_SECONDS = 1.0
BEAT_SECONDS = 5.0
TRIES = 5
# How long a report stays away from others when whoever took it dies. One that takes longer is made by the next as well, and
# only who took it last may end it.
LEASE = "2 minutes"
# Materialized: joined to the update, the choice could be made anew for each row, and several be claimed at once.
CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT report_id FROM report_run WHERE next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE report_run AS run SET attempts = attempts + 1, next_at = now() + interval '{LEASE}' FROM due
    WHERE run.report_id = due.report_id RETURNING run.report_id, actor, traceparent, attempts
"""  # noqa: S608 - a constant of this module
READ = f"SELECT {COLUMNS}, created_at FROM report WHERE id = $1"  # noqa: S608 - constant names
END = f"""
    UPDATE report SET status = $2, file_id = $3, sha256 = $4, trouble = $5, updated_at = now() WHERE id = $1
    RETURNING {COLUMNS}
"""  # noqa: S608 - constant names
OVER = (
    "UPDATE report_run SET next_at = NULL WHERE report_id = $1 AND attempts = $2 AND next_at IS NOT NULL RETURNING true"
)
LATER = "UPDATE report_run SET next_at = now() + $3 * interval '1 second' WHERE report_id = $1 AND attempts = $2"
TABLE = (
    Column("Day", 2),
    Column("Invoices"),
    Column("Net", 2, amount=True),
    Column("Duty", 2, amount=True),
    Column("VAT", 2, amount=True),
    Column("Gross", 2, amount=True),
    Column("Paid", 2, amount=True),
)


class Day(msgspec.Struct, frozen=True):
    """What finance says of one day."""

    day: date
    invoices: int
    net: Decimal
    duty: Decimal
    vat: Decimal
    gross: Decimal
    paid: Decimal

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """Net, duty, tax, gross and paid amount."""
        return self.net, self.duty, self.vat, self.gross, self.paid


class Kept(msgspec.Struct, frozen=True):
    """What file-storage says of a file that it took."""

    id: UUID
    sha256: str


async def make_reports(runtime: Runtime, supervised: Supervised) -> None:
    """Make reports for ever, as many at once as can be printed at once."""
    waker = runtime.shared[WAKE] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_beat(supervised))
        for _ in range(AT_ONCE):
            group.create_task(_work(runtime, supervised, waker))


async def _beat(supervised: Supervised) -> None:
    """Say that all is alive while those who make reports wait for others; the group ends when one of them crashes."""
    while True:
        supervised.beat(supervised.trouble)
        await asyncio.sleep(BEAT_SECONDS)


async def _work(runtime: Runtime, supervised: Supervised, waker: asyncio.Event) -> None:
    await work_off(partial(make_next, runtime), supervised, waker, REST_SECONDS)


async def make_next(runtime: Runtime) -> bool:
    """Make one report that is due; returns whether there was one."""
    claimed = await runtime.database.fetch(CLAIM)
    if not claimed:
        return False
    run = claimed[0]
    if run["attempts"] > TRIES:
        # Whoever took it before did not live to say why.
        await _end(runtime, run, "FAILED", None, "given up: each time it was made, that ended without a word")
        return True
    with runtime.tracing.span("report", SpanKind.INTERNAL, {}, {"traceparent": run["traceparent"] or ""}):
        wanted = await runtime.database.fetchrow(READ, run["report_id"])
        try:
            kept = await _made(runtime, wanted)
        except (AwayError, RefusedError, PrintingError) as error:
            await _postpone(runtime, run, str(error))
        except CallError as error:
            await _end(runtime, run, "FAILED", None, str(error))
        else:
            await _end(runtime, run, "READY", kept, None)
    return True


async def _made(runtime: Runtime, wanted: Any) -> Kept:
    """Make the PDF and have it stored."""
    transfers = Transfers(runtime.client, runtime.tracing)
    days = await sums_of(transfers, wanted)
    content = await asyncio.to_thread(table_report, drawn(wanted, days), wanted["created_at"])
    about = {"name": f"report-{wanted['id']}.pdf", "folder": FOLDER, "owner": str(wanted["requested_by_id"])}
    answer = await transfers.send(
        "file-storage", f"/contents?{urlencode(about)}", content, {"content-type": MEDIA_TYPE}
    )
    return msgspec.json.decode(answer, type=Kept)


async def sums_of(transfers: Transfers, wanted: Any) -> Sequence[Day]:
    """Ask finance for all days of the period at once."""
    asked = {"first": wanted["first_day"], "last": wanted["last_day"], "currency": wanted["currency"]}
    async with transfers.open("finance", "GET", f"/invoice-sums?{urlencode(asked)}") as answer:
        return msgspec.json.decode(await answer.aread(), type=list[Day])


def drawn(wanted: Any, days: Sequence[Day]) -> Report:
    """Return what is printed."""
    rows = [(day.day.isoformat(), str(day.invoices), *(f"{amount:f}" for amount in day.amounts)) for day in days]
    sums = (sum((day.amounts[place] for day in days), Decimal("0.00")) for place in range(len(TABLE) - 2))
    totals = ("Total", str(sum(day.invoices for day in days)), *(f"{amount:f}" for amount in sums))
    about = (f"{wanted['first_day']} to {wanted['last_day']}", f"Amounts in {wanted['currency']}")
    return Report(title=wanted["name"], about=about, columns=TABLE, rows=rows, totals=totals)


async def _postpone(runtime: Runtime, run: Any, why: str) -> None:
    """Come again, later each time; after the last time it has failed."""
    if run["attempts"] >= TRIES:
        await _end(runtime, run, "FAILED", None, why)
        return
    log.warning("report waits", extra={"report": str(run["report_id"]), "cause": why})
    await runtime.database.fetch(LATER, run["report_id"], run["attempts"], float(2 ** run["attempts"]))


async def _end(runtime: Runtime, run: Any, status: str, kept: Kept | None, trouble: str | None) -> None:
    key = run["report_id"]
    ended = (status, kept and kept.id, kept and kept.sha256, trouble and trouble[:500])
    async with runtime.database.transaction() as connection:
        if not await connection.fetchval(OVER, key, run["attempts"]):
            log.warning("report was taken by another meanwhile", extra={"report": str(key)})
            return
        row = await connection.fetchrow(END, key, *ended)
        event = Event(type="ReportUpdated", subject=key, subject_type="Report", data=data_of(row))
        await record(connection, NAME, run["actor"], [event])
    log.info("report ended", extra={"report": str(key), "state": status, "cause": trouble})
