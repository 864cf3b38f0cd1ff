"""Faults that the scenario of imported files must notice: a row lost, half a file booked, a report that adds up wrongly.

Each changes one function in one service's own process before it serves.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from starlette.applications import Starlette

from certify_faults.scenarios import noticed_alone
from certify_stack.erp.finance import bulk, bulk_routes
from certify_stack.erp.finance.bulk_rows import Given, Refusal
from certify_stack.erp.import_export import report
from certify_stack.erp.import_export.report import Booked, Totals
from certify_stack.kit.settings import Settings

FINANCE, IMPORTS = "finance", "import-export"


def last_row_lost(app: Starlette, name: str, settings: Settings) -> None:
    """The last row of a file is counted as arrived and not imported."""
    del app, settings
    if name == FINANCE:
        bulk_routes.batches_of = _without_last_row


def half_a_file_committed(app: Starlette, name: str, settings: Settings) -> None:
    """The good rows of a file with bad ones are booked, though the import is called refused."""
    del app, settings
    if name == FINANCE:
        bulk._Run._refuse = _only_noted  # type: ignore[method-assign]  # noqa: SLF001 - a fault gets in somewhere
        bulk._Run.finish = _finish_half  # type: ignore[method-assign]  # noqa: SLF001 - as above


def report_off_by_one_row(app: Starlette, name: str, settings: Settings) -> None:
    """The sums of a report lack the amounts of its first row."""
    del app, settings
    if name == IMPORTS:
        report.Totals.add = _all_but_the_first  # type: ignore[method-assign]


_whole = bulk_routes.batches_of


async def _without_last_row(parts: AsyncIterator[bytes]) -> AsyncIterator[Sequence[Given]]:
    before: Sequence[Given] = ()
    async for batch in _whole(parts):
        if before:
            yield before
        before = batch
    if before[:-1]:
        yield before[:-1]


def _only_noted(self: Any, refusal: Refusal) -> None:
    """Keep a bad row for the answer, and go on as if there were none."""
    self._refusals.append(refusal)


_finish = bulk._Run.finish  # noqa: SLF001 - as above


async def _finish_half(self: Any) -> bulk.Outcome:
    done = await _finish(self)
    if not self._refusals:
        return done
    self._refused = len(self._refusals)
    refused: bulk.Outcome = self._no()
    return refused


_add = Totals.add


def _all_but_the_first(self: Totals, row: Booked) -> None:
    if self.rows:
        _add(self, row)
    else:
        self.rows = 1


_fault = partial(noticed_alone, "bulk-import")

FAULTS = (
    _fault("import-loses-last-row", last_row_lost, FINANCE, "an import loses the last row of a file"),
    _fault(
        "import-commits-half",
        half_a_file_committed,
        FINANCE,
        "an import books the good rows of a file that has bad ones",
    ),
    _fault("report-off-by-one-row", report_off_by_one_row, IMPORTS, "the sums of an import's report lack one row"),
)
