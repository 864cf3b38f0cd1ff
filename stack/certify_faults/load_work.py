"""Faults of work that is accepted and finished later, and of what many wait for: lost rows, growing reports, locks, no index."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import asyncpg
from starlette.applications import Starlette

from certify.api import Fault, FaultKind, Stack
from certify_stack.erp.document_generator import reporting
from certify_stack.erp.document_generator.reporting import Day
from certify_stack.erp.finance import bulk_routes, commands
from certify_stack.erp.finance.bulk_rows import Given
from certify_stack.kit.settings import Settings
from certify_stack.kit.transfer import Transfers

FINANCE, DOCUMENTS = "finance", "document-generator"
LOST = 3
# How long the number of an invoice is held: as if another service were asked meanwhile.
HELD_SECONDS = 0.2
FILLED = 300_000


def import_drops_rows(app: Starlette, service_name: str, settings: Settings) -> None:
    """The second batch of an import lacks three rows, and is counted as if it had them."""
    del app, settings
    if service_name == FINANCE:
        bulk_routes.batches_of = _dropping


def report_grows(app: Starlette, service_name: str, settings: Settings) -> None:
    """A report asks finance for each of its days alone: fine for a week, not for a year."""
    del app, settings
    if service_name == DOCUMENTS:
        reporting.sums_of = _day_by_day


def numbers_under_one_lock(app: Starlette, service_name: str, settings: Settings) -> None:
    """Who draws up an invoice holds the numbers of all for as long as something slow takes."""
    del app, settings
    if service_name != FINANCE:
        return
    draw_up, numbers = commands.create_invoice, asyncio.Lock()

    async def waiting(*args: Any, **more: Any) -> Any:
        async with numbers:
            await asyncio.sleep(HELD_SECONDS)
            return await draw_up(*args, **more)

    commands.create_invoice = waiting


async def index_missing(stack: Stack) -> None:
    """The index by which invoices are listed is gone, and there are as many as after some years."""
    connection = await asyncpg.connect(stack.service(FINANCE).database)
    try:
        await connection.execute("DROP INDEX invoice_view_newest")
        done = await connection.execute(_FILL, FILLED, timeout=120)
        if done != f"INSERT 0 {FILLED}":
            raise LookupError(f"there is no invoice to make more of: {done}")
        await connection.execute("ANALYZE invoice_view")
    finally:
        await connection.close()


# Older than all others, and of the same shape.
_FILL = """
    INSERT INTO invoice_view (id, number, customer_id, currency, status, net, vat, gross, paid, due_on, created_at,
        issued_at, updated_at, version, prices_include_tax, discount, duty, language)
    SELECT gen_random_uuid(), 'OLD-' || n, customer_id, currency, status, net, vat, gross, paid, due_on,
        created_at - interval '1 year' - n * interval '1 second', issued_at, updated_at, version, prices_include_tax,
        discount, duty, language
    FROM generate_series(1, $1) AS n, (SELECT * FROM invoice_view ORDER BY number LIMIT 1) AS one
"""
_whole = bulk_routes.batches_of
_at_once = reporting.sums_of


async def _dropping(parts: AsyncIterator[bytes]) -> AsyncIterator[Sequence[Given]]:
    numbers = count(1)
    async for batch in _whole(parts):
        yield batch[LOST:] if next(numbers) == 2 else batch


async def _day_by_day(transfers: Transfers, wanted: Any) -> Sequence[Day]:
    days: list[Day] = []
    day = wanted["first_day"]
    while day <= wanted["last_day"]:
        days += await _at_once(transfers, {"first_day": day, "last_day": day, "currency": wanted["currency"]})
        day += timedelta(1)
    return days


# As in `certify_faults.load`: as many requests as decide, in a fraction of the time. All that a control may say otherwise is told,
# so that controls share an observation.
_MIX: dict[str, Any] = {
    "shape": "api-mix",
    "users": 24,
    "ramp": "1 s",
    "warmup": "1 s",
    "hold": "20 s",
    "quick_hold": "20 s",
    "pace": "0 s",
    "think_min": "60 ms",
    "think_max": "140 ms",
}
_IMPORT = _MIX | {"shape": "import-invoices", "users": 3, "hold": "3 s", "quick_hold": "3 s", "think_max": "1 s"}
_REPORTS = _MIX | {"shape": "ask-reports", "users": 100, "pace": "30 s", "hold": "45 s", "quick_hold": "45 s"}


def _overlay(overlay: Any, breaks: str, rule: str, options: dict[str, Any], also: tuple[str, ...] = ()) -> Fault:
    return Fault(
        name=overlay.__name__.replace("_", "-"),
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(f"load.{rule}",),
        target=DOCUMENTS if overlay is report_grows else FINANCE,
        overlay=f"{__name__}:{overlay.__name__}",
        also=also,
        options={"load": options},
    )


FAULTS = (
    _overlay(
        import_drops_rows,
        "an import of many rows drops three of them and says that all are there",
        "effects",
        _IMPORT,
        ("scenario.passes", "scenario.bulk-import"),
    ),
    _overlay(
        report_grows,
        "a report asks for each of its days alone",
        "finished",
        _REPORTS,
        ("load.latency", "load.completed"),
    ),
    _overlay(
        numbers_under_one_lock,
        "numbers of invoices are given under one lock that is held while something slow is done",
        "latency",
        _MIX,
    ),
    Fault(
        name="index-missing",
        kind=FaultKind.DATA,
        breaks="the index by which invoices are listed is gone, and there are 300,000",
        caught_by=("load.latency",),
        target=FINANCE,
        damage=index_missing,
        options={"load": _MIX},
        alone=True,
    ),
)
