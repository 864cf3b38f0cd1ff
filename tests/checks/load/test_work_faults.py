"""What the planted faults of accepted work do, beside what the clean code does; each is put right again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from certify_faults import load_work as faults
from certify_stack.erp.document_generator import reporting
from certify_stack.erp.finance import bulk_routes, commands

NOTHING: Any = None
PLACES = ((bulk_routes, "batches_of"), (reporting, "sums_of"), (commands, "create_invoice"))
OVERLAYS = [fault for fault in faults.FAULTS if fault.overlay]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    before = [getattr(*place) for place in PLACES]
    yield
    for (owner, name), value in zip(PLACES, before, strict=True):
        setattr(owner, name, value)


@pytest.mark.parametrize("fault", OVERLAYS, ids=lambda fault: fault.name)
def test_a_fault_changes_nothing_in_other_services(fault: Any) -> None:
    before = [getattr(*place) for place in PLACES]
    overlay = getattr(faults, fault.overlay.partition(":")[2])
    overlay(NOTHING, "hr", NOTHING)
    assert [getattr(*place) for place in PLACES] == before
    overlay(NOTHING, fault.target, NOTHING)
    assert sum(getattr(*place) is not old for place, old in zip(PLACES, before, strict=True)) == 1


def test_three_rows_of_a_large_file_are_dropped_and_none_of_a_small_one() -> None:
    def lines(*sizes: int) -> list[int]:
        async def parts() -> AsyncIterator[bytes]:
            line = 1
            for size in sizes:
                yield msgspec.json.encode([[line := line + 1, ""] for _ in range(size)]) + b"\n"
            yield msgspec.json.encode({"rows": sum(sizes)})

        async def read() -> list[int]:
            return [row.line async for batch in bulk_routes.batches_of(parts()) for row in batch]

        return asyncio.run(read())

    faults.import_drops_rows(NOTHING, "finance", NOTHING)
    assert lines(4) == [2, 3, 4, 5]
    assert lines(2, 4, 2) == [2, 3, 7, 8, 9]


def test_a_report_of_a_period_asks_as_often_as_it_has_days(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def at_once(_: Any, wanted: Any) -> list[Any]:
        asked.append((wanted["first_day"], wanted["last_day"]))
        return [len(asked)]

    monkeypatch.setattr(faults, "_at_once", at_once)
    wanted = {"first_day": date(2026, 1, 30), "last_day": date(2026, 2, 2), "currency": "BDT"}
    faults.report_grows(NOTHING, "document-generator", NOTHING)
    assert asyncio.run(reporting.sums_of(NOTHING, wanted)) == [1, 2, 3, 4]  # type: ignore[comparison-overlap]
    assert [(first.day, first == last) for first, last in asked] == [(30, True), (31, True), (1, True), (2, True)]


def test_who_draws_up_an_invoice_waits_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    async def draw_up() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    async def three() -> None:
        await asyncio.gather(*(commands.create_invoice() for _ in range(3)))  # type: ignore[call-arg]

    monkeypatch.setattr(commands, "create_invoice", draw_up)
    monkeypatch.setattr(faults, "HELD_SECONDS", 0.01)
    faults.numbers_under_one_lock(NOTHING, "finance", NOTHING)
    asyncio.run(three())
    assert most == 1
