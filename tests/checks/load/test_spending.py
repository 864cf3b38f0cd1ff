"""Where the time goes: each moment belongs to who works, and only spans of the load's own requests count."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Stack
from certify_checks.load.generator.outcomes import HTTP, OK
from certify_checks.load.generator.tally import REQUEST_COLUMNS, REQUESTS, write
from certify_checks.load.generator.traces import trace_of, traceparent, wanted
from certify_checks.load.model import LoadSeen, Spending
from certify_checks.load.observing import spending as module
from certify_checks.load.observing.spending import ELSEWHERE, Piece, Traced, shares, spending, traced_requests
from certify_checks.load.rules.latency import judge
from certify_checks.load.rules.planting import spread

RUN = "18a2b3c4d5e6f708"
TRACE = trace_of(f"{RUN}00000000")
DATABASE = {"db.system.name": "postgresql"}


def piece(service: str, number: int, parent: int, start: int, end: int, **more: Any) -> Piece:
    return Piece(service, more.pop("kind", "server"), TRACE, f"{number:016x}", f"{parent:016x}", start, end, **more)


def test_the_time_is_that_of_who_waits_for_nobody_else():
    spans = [
        piece("finance", 1, 99, 1000, 2000),
        piece("finance", 2, 1, 1100, 1400, kind="client", attributes=DATABASE),
        piece("finance", 3, 1, 1500, 1900, kind="client"),
        piece("crm", 4, 3, 1550, 1850),
    ]
    assert shares(spans, 5000) == {"finance": 400, "finance's database": 300, "crm": 300}


def test_those_who_work_at_once_share_the_time():
    spans = [piece("crm", 1, 99, 0, 100), piece("hr", 2, 99, 0, 50)]
    assert shares(spans, 1000) == {"crm": 75, "hr": 25}


def test_what_nobody_waits_for_is_left_out():
    spans = [
        piece("finance", 1, 99, 0, 100),
        piece("finance", 2, 1, 20, 30, kind="producer"),
        piece("audit", 3, 2, 25, 90, kind="consumer"),
        piece("audit", 4, 3, 30, 80, kind="client", attributes=DATABASE),
        piece("notification", 5, 1, 500, 900, kind="client"),
    ]
    assert shares(spans, 200) == {"finance": 100}


def test_spans_in_a_circle_or_without_a_length_end_and_give_nothing():
    assert shares([piece("a", 1, 2, 0, 10), piece("b", 2, 1, 0, 10)], 100) == {}
    assert shares([piece("a", 1, 9, 10, 0)], 100) == {}
    assert shares([], 100) == {}


def test_one_request_in_so_many_asks_for_spans_and_the_others_for_none():
    numbers = [f"{RUN}{count:08x}" for count in range(100)]
    assert sum(wanted(number, 10) for number in numbers) == 10
    assert not any(wanted(number, 0) for number in numbers)
    headers = {traceparent(number, wanted=wanted(number, 10)) for number in numbers}
    assert len(headers) == 100
    assert sum(header.endswith("-01") for header in headers) == 10
    assert {len(header) for header in headers} == {55}


def row(count: int, outcome: str = OK) -> tuple[object, ...]:
    return (0, 1000 + count, 0, outcome, f"{RUN}{count:08x}", 0, 0)


def test_what_failed_or_was_sent_twice_is_not_looked_at(tmp_path: Path):
    rows = [row(0), row(10, HTTP), row(20), row(20), row(30), row(31)]
    write(tmp_path / REQUESTS, REQUEST_COLUMNS, rows)
    assert traced_requests(tmp_path, ["list"], 10) == {
        trace_of(f"{RUN}{count:08x}"): Traced("list", 1000 + count) for count in (0, 30)
    }


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context("load", tmp_path, tmp_path, stack=Stack((), None, {}, spans=str(tmp_path / "spans.jsonl")))


def told(trace: str, service: str, elapsed: int) -> bytes:
    span = {"service": service, "name": "POST", "kind": "server", "trace": trace, "id": "0" * 15 + "1"}
    return json.dumps(span | {"parent": "f" * 16, "start_us": 0, "end_us": elapsed}).encode() + b"\n"


def test_the_slowest_are_summed_by_operation(context: Context, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_QUIET", 0.05)
    traced = {
        trace_of(f"{RUN}{count:08x}"): Traced("slow" if count < 8 else "fast", 1000 - count) for count in range(80)
    }
    spans = b"".join(told(trace, "crm", 600) for trace in traced)
    strange = told("a" * 32, "hr", 10**6) + b"no span\n" + told(trace_of(f"{RUN}ffffffff"), "hr", 10**6)
    Path(context.stack.spans).write_bytes(told(trace_of(f"{RUN}00000000"), "old", 999)[:-1] + b"\n" + strange + spans)
    begin = Path(context.stack.spans).read_bytes().index(b"\n") + 1
    (slow,) = asyncio.run(spending(context, begin, RUN, traced))
    assert (slow.operation, slow.requests, slow.elapsed_us) == ("slow", 8, 8000 - 28)
    assert slow.places == {"crm": 4800, ELSEWHERE: 8000 - 28 - 4800}


def test_without_spans_nothing_is_said(context: Context, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_QUIET", 0.05)
    traced = {TRACE: Traced("list", 1000)}
    assert asyncio.run(spending(context, 0, RUN, traced)) == ()
    Path(context.stack.spans).write_bytes(b"")
    assert asyncio.run(spending(context, 0, RUN, traced)) == ()


def test_a_red_verdict_says_where_to_look(clean: LoadSeen):
    spent = (Spending("pay", 8, 8000, {"finance's database": 6000, "finance": 1000}), Spending("list", 2, 2000, {}))
    slow = replace(clean, operations=(spread("pay", (900_000,) * 2000),), spending=spent)
    ruling = judge(slow, Criteria({"p95": Limit.parse("< 300 ms")}))
    assert "60 % finance's database, 10 % finance" in ruling.findings[0].message
    shares = {one.name: one.value for one in ruling.measurements if "slowest requests" in one.name}
    assert list(shares.values()) == [600_000, 100_000]
    assert (
        "slowest of the traced"
        not in judge(replace(slow, spending=()), Criteria({"p95": Limit.parse("< 300 ms")})).summary
    )
