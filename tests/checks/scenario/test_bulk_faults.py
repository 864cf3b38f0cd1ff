"""What the planted faults of imports do, beside what the clean code does; each is put right again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from certify_faults import bulk as faults
from certify_stack.erp.finance import bulk, bulk_routes
from certify_stack.erp.import_export import report
from certify_stack.erp.import_export.report import Booked, Totals

NOTHING: Any = None
PLACES = ((bulk_routes, "batches_of"), (bulk._Run, "finish"), (report.Totals, "add"))


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    before = [getattr(*place) for place in PLACES]
    yield
    for (owner, name), value in zip(PLACES, before, strict=True):
        setattr(owner, name, value)


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_nothing_in_other_services(fault: Any) -> None:
    before = [getattr(*place) for place in PLACES]
    overlay = getattr(faults, fault.overlay.partition(":")[2])
    overlay(NOTHING, "hr", NOTHING)
    assert [getattr(*place) for place in PLACES] == before
    overlay(NOTHING, fault.target, NOTHING)
    assert [getattr(*place) for place in PLACES] != before


@pytest.mark.parametrize("sizes", [(1,), (3,), (2, 2), (2, 1)])
def test_the_last_row_is_lost_whatever_the_batches(sizes: tuple[int, ...]) -> None:
    def lines() -> list[int]:
        async def parts() -> AsyncIterator[bytes]:
            line = 1
            for size in sizes:
                yield msgspec.json.encode([[line := line + 1, ""] for _ in range(size)]) + b"\n"
            yield msgspec.json.encode({"rows": sum(sizes)})

        async def read() -> list[int]:
            return [row.line async for batch in bulk_routes.batches_of(parts()) for row in batch]

        return asyncio.run(read())

    whole = lines()
    faults.last_row_lost(NOTHING, "finance", NOTHING)
    assert lines() == whole[:-1]


def test_one_row_is_missing_in_the_sums_and_not_in_their_count() -> None:
    rows = [Booked(line, "R", "I", *[Decimal(line)] * 4) for line in (2, 3, 4)]

    def totals() -> Totals:
        made = Totals()
        for row in rows:
            made.add(row)
        return made

    assert (totals().rows, totals().gross) == (3, 9)
    faults.report_off_by_one_row(NOTHING, "import-export", NOTHING)
    assert (totals().rows, totals().gross) == (3, 7)


@pytest.mark.parametrize("refused", [0, 2])
def test_half_a_file_is_committed_and_called_refused(refused: int) -> None:
    done = []

    class Run:
        _refused = refused

        def _no(self) -> str:
            return f"{self._refused} refused"

    async def finish(run: Any) -> str:
        done.append(run._refused)
        return "imported"

    faults._finish, before = finish, faults._finish  # type: ignore[assignment]
    try:
        answer = asyncio.run(faults._finish_half(Run()))
    finally:
        faults._finish = before
    assert done == [0]
    assert answer == ("2 refused" if refused else "imported")
