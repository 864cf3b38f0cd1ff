"""Reports: asked for at once, made soon after, as the books have it, and kept as files."""

import io
import json
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from erp_harness import USER_ID, Harness
from pypdf import PdfReader

from certify_stack.erp.document_generator import reporting
from certify_stack.erp.samples import sample_id
from certify_stack.kit.client import AwayError, CallError

ASK = """
mutation($i: RequestReportInput!) {
  requestReport(input: $i) { id name status firstDay lastDay currency requestedBy { id } file { id } }
}
"""
SEE = "query($id: ID!) { report(id: $id) { status sha256 trouble file { id } } }"
PERIOD = {"name": "Sales", "firstDay": "2025-06-01", "lastDay": "2026-05-31"}
SUMS = "SELECT count(*) AS invoices, sum(gross) AS gross FROM invoice_view WHERE currency = 'BDT'"
CONTENT = """
    SELECT string_agg(data, ''::bytea ORDER BY number) AS data FROM content_part JOIN content ON id = content_id
    WHERE sha256 = $1
"""


def asked(erp: Harness, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = erp.ask(ASK, {"i": PERIOD | changes}, role="accountant")["requestReport"]
    return found


def state(erp: Harness, key: str) -> dict[str, Any]:
    found: dict[str, Any] = erp.ask(SEE, {"id": key}, role="accountant")["report"]
    return found


def elsewhere(erp: Harness, dsn: str, query: str, *args: Any) -> list[Any]:
    """Rows of another service's database."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    return list(erp.run(run()))


def told(erp: Harness, key: str) -> list[dict[str, Any]]:
    rows = erp.sql("SELECT envelope FROM outbox WHERE key = $1 ORDER BY id", key)
    return [json.loads(one["envelope"]) for one in rows]


def test_a_report_says_what_the_books_say_and_is_kept_as_a_file(erp: Harness, makers: dict[str, str]):
    report = asked(erp)
    assert report["requestedBy"] == {"id": USER_ID}
    assert (report["firstDay"], report["lastDay"], report["currency"]) == ("2025-06-01", "2026-05-31", "BDT")
    erp.settle(lambda: state(erp, report["id"])["status"] != "REQUESTED")
    made = state(erp, report["id"])
    assert (made["status"], made["trouble"]) == ("READY", None)
    [sums] = elsewhere(erp, makers["finance"], SUMS)
    [kept] = elsewhere(erp, makers["file-storage"], CONTENT, made["sha256"])
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(kept["data"])).pages)
    words = text.split()
    assert f"{sums['gross']:f}" in words[words.index("Total") :]
    assert str(sums["invoices"]) == words[words.index("Total") + 1]
    headers = {"authorization": f"Bearer {erp.token('accountant')}"}
    answer = erp.get(f"/reports/{report['id']}.pdf", headers=headers)
    assert (answer.headers["content-type"], answer.content) == ("application/pdf", kept["data"])
    created, updated = told(erp, report["id"])
    assert (created["type"], updated["type"]) == ("ReportCreated", "ReportUpdated")
    assert updated["data"]["status"] == "READY"


@pytest.mark.usefixtures("makers")
def test_many_that_come_at_once_are_all_made(erp: Harness):
    keys = [asked(erp, name=f"Sales {number}")["id"] for number in range(8)]
    erp.settle(lambda: all(state(erp, key)["status"] == "READY" for key in keys))


@pytest.mark.usefixtures("makers")
def test_a_period_without_invoices_makes_a_report_of_nothing(erp: Harness):
    report = asked(erp, firstDay="1999-01-01", lastDay="1999-01-01", currency="USD")
    erp.settle(lambda: state(erp, report["id"])["status"] == "READY")


@pytest.mark.parametrize(
    "changes",
    [{"lastDay": "2025-05-31"}, {"lastDay": "2026-06-02"}, {"name": ""}, {"currency": "TAKA"}],
)
def test_what_cannot_be_shown_is_refused(erp: Harness, changes: dict[str, str]):
    assert erp.refusal(ASK, {"i": PERIOD | changes}, role="accountant") == "BAD_USER_INPUT"


def test_reports_are_asked_for_by_those_who_keep_the_books(erp: Harness):
    assert erp.refusal(ASK, {"i": PERIOD}, role="clerk") == "FORBIDDEN"
    for role, key, status in (
        ("clerk", uuid4(), 403),
        ("accountant", uuid4(), 404),
        ("accountant", sample_id("Report", 0), 409),
    ):
        headers = {"authorization": f"Bearer {erp.token(role)}"}
        assert erp.get(f"/reports/{key}.pdf", headers=headers).status_code == status


def test_the_last_day_of_all_can_be_asked_for(erp: Harness, makers: dict[str, str]):
    del makers
    report = asked(erp, firstDay="9999-12-31", lastDay="9999-12-31")
    erp.settle(lambda: state(erp, report["id"])["status"] == "READY")


def test_who_is_away_is_waited_for_and_who_refuses_ends_it(erp: Harness, monkeypatch: pytest.MonkeyPatch):
    """Without finance a report comes again later; after the last time, or when finance says no, it has failed."""
    causes = iter([AwayError("finance: away"), CallError("finance answered 422: no")])

    async def broken(*_: Any) -> Any:
        raise next(causes)

    monkeypatch.setattr(reporting, "sums_of", broken)
    report = asked(erp)
    waits = "SELECT attempts FROM report_run WHERE report_id = $1 AND next_at > now()"
    erp.settle(lambda: bool(erp.sql(waits, report["id"])) and state(erp, report["id"])["status"] == "REQUESTED")
    erp.sql("UPDATE report_run SET next_at = now() WHERE report_id = $1", report["id"])
    erp.settle(lambda: state(erp, report["id"])["status"] == "FAILED")
    assert state(erp, report["id"])["trouble"] == "finance answered 422: no"


def test_one_that_ends_whoever_makes_it_is_given_up(erp: Harness, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any) -> Any:
        raise AwayError("finance: away")

    monkeypatch.setattr(reporting, "sums_of", broken)
    report = asked(erp)
    erp.settle(lambda: bool(erp.sql("SELECT 1 FROM report_run WHERE report_id = $1 AND attempts = 1", report["id"])))
    taken = "UPDATE report_run SET attempts = $2, next_at = now() WHERE report_id = $1"
    erp.sql(taken, report["id"], reporting.TRIES)
    erp.settle(lambda: state(erp, report["id"])["status"] == "FAILED")
    assert "given up" in state(erp, report["id"])["trouble"]


def test_who_is_overtaken_ends_nothing(erp: Harness, monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []

    async def overtaken(_: Any, wanted: Any) -> Any:
        connection = await asyncpg.connect(erp.settings.database_dsn)
        try:
            taken = "UPDATE report_run SET attempts = 3, next_at = now() + interval '1 hour' WHERE report_id = $1"
            await connection.execute(taken, wanted["id"])
        finally:
            await connection.close()
        raise CallError("finance answered 422: no")

    end = reporting._end

    async def ended(*args: Any) -> None:
        await end(*args)
        done.append("ended")

    monkeypatch.setattr(reporting, "sums_of", overtaken)
    monkeypatch.setattr(reporting, "_end", ended)
    report = asked(erp)
    erp.settle(lambda: bool(done))
    assert state(erp, report["id"])["status"] == "REQUESTED"
    assert [one["type"] for one in told(erp, report["id"])] == ["ReportCreated"]


def test_amounts_are_summed_exactly():
    amounts = [Decimal(f"{number}.10") for number in range(5)]
    rows = [reporting.Day(date(2026, 1, number), 2, *amounts) for number in (1, 2, 3)]
    wanted = {"name": "Sales", "first_day": "a", "last_day": "b", "currency": "BDT"}
    report = reporting.drawn(wanted, rows)
    assert tuple(report.totals) == ("Total", "6", "0.30", "3.30", "6.30", "9.30", "12.30")
    assert report.rows[0] == ("2026-01-01", "2", "0.10", "1.10", "2.10", "3.10", "4.10")
