"""What the planted faults of imports do, beside what the clean code does; each is put right again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from certify_faults import bulk as faults
from certify_stack.erp.finance import bulk, bulk_routes
from certify_stack.erp.finance.bulk_rows import Refusal
from certify_stack.erp.import_export import report
from certify_stack.erp.import_export.report import Booked, Totals

NOTHING: Any = None
PLACES = ((bulk_routes, "batches_of"), (bulk._Run, "finish"), (bulk._Run, "_refuse"), (report.Totals, "add"))


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


@pytest.mark.parametrize("bad", [0, 2])
def test_good_rows_are_booked_and_the_file_is_called_refused(bad: int) -> None:
    done = []

    class Run:
        _refused = 0

        def __init__(self) -> None:
            self._refusals = [Refusal(line, "bad") for line in range(bad)]

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
    assert answer == ("2 refused" if bad else "imported")


def test_a_bad_row_is_noted_and_stops_nothing() -> None:
    run = bulk._Run(NOTHING, NOTHING, NOTHING)
    run._refuse(Refusal(2, "bad"))
    assert (run._refused, len(run._refusals)) == (1, 1)
    faults.half_a_file_committed(NOTHING, "finance", NOTHING)
    run._refuse(Refusal(3, "bad"))
    assert (run._refused, len(run._refusals)) == (1, 2)
