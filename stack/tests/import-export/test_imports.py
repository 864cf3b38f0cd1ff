"""Files of invoices on their way: stored, read, imported whole or not at all, once, and told of."""

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from erp_harness import USER_ID, Harness
from pypdf import PdfReader

from certify_stack.erp.import_export import intake, running
from certify_stack.erp.import_export.reading import REQUIRED
from certify_stack.erp.samples import sample_id
from certify_stack.kit import streams
from certify_stack.kit.client import AwayError

IMPORTED = "SELECT count(*) FROM imported_invoice"
STORED = "SELECT count(*) FROM content"


def row(number: int, **changes: str) -> list[str]:
    good = {
        "reference": f"{uuid4().hex[:12]}-{number}",
        "customer_id": str(sample_id("Customer", number % 50)),
        "currency": "BDT",
        "product_id": str(sample_id("Product", 3)),
        "description": 'Rice, "fine"',
        "quantity": "3",
        "unit_price": "33.33",
        "vat_rate": "7.5",
        "due_on": "2026-02-28",
    }
    return list((good | changes).values())


def file_of(rows: list[list[str]], header: tuple[str, ...] = REQUIRED) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def upload(erp: Harness, body: bytes, name: str = "invoices.csv", role: str = "accountant") -> httpx.Response:
    headers = {"authorization": f"Bearer {erp.token(role)}", "content-type": "text/csv"}
    return erp.post("/imports", params={"name": name}, content=body, headers=headers)


def get(erp: Harness, path: str, role: str = "accountant") -> httpx.Response:
    return erp.get(path, headers={"authorization": f"Bearer {erp.token(role)}"})


def ended(erp: Harness, body: bytes) -> dict[str, Any]:
    """Upload, and wait for the end."""
    job = upload(erp, body).json()["id"]
    erp.settle(lambda: get(erp, f"/imports/{job}").json()["state"] in {"DONE", "FAILED"})
    found: dict[str, Any] = get(erp, f"/imports/{job}").json()
    return found


def told(erp: Harness, job: str) -> list[dict[str, Any]]:
    rows = erp.sql("SELECT envelope FROM outbox WHERE key = $1 ORDER BY id", job)
    return [json.loads(one["envelope"]) for one in rows]


@pytest.mark.usefixtures("others")
class TestImports:
    def test_a_file_is_stored_imported_and_told_of(self, erp: Harness, others: Any):
        body = file_of([row(number) for number in range(1200)])
        answer = upload(erp, body)
        assert (answer.status_code, answer.json()["new"]) == (202, True)
        job = ended(erp, body)
        assert answer.headers["location"] == f"/imports/{job['id']}"
        assert (job["state"], job["trouble"], job["sha256"]) == ("DONE", None, hashlib.sha256(body).hexdigest())
        assert (job["rows_total"], job["rows_read"], job["rows_refused"]) == (1200, 1200, 0)
        # 3 * 33.33 = 99.99, and 7.5 % of that is 7.50.
        assert (job["net"], job["vat"], job["gross"]) == ("119988.00", "9000.00", "128988.00")
        created, finished = told(erp, job["id"])
        assert (created["type"], finished["type"]) == ("ImportJobCreated", "ImportFinished")
        data = finished["data"]
        assert (data["state"], data["invoices"], data["gross"], data["address"]) == ("DONE", 1200, "128988.00", None)
        assert data["requested_by_id"] == USER_ID
        kept = "SELECT sum(length(data)) FROM content_part JOIN content ON id = content_id WHERE size_bytes = "
        assert erp.count(others.dsns["file-storage"], kept + str(len(body))) == len(body)

    def test_files_that_come_together_are_all_imported(self, erp: Harness):
        jobs = [upload(erp, file_of([row(number)])).json()["id"] for number in range(5)]
        states = lambda: [get(erp, f"/imports/{job}").json()["state"] for job in jobs]  # noqa: E731 - asked again
        erp.settle(lambda: states() == ["DONE"] * 5)

    def test_one_job_is_claimed_at_a_time(self, erp: Harness):
        """Also where the planner has no statistics, and would choose a job anew for each row."""

        async def claims(connection: Any) -> list[int]:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(
                "INSERT INTO import_run (job_id, actor, next_at) SELECT id, 'x', now() - interval '1 hour' FROM import_job "
                "WHERE id NOT IN (SELECT job_id FROM import_run) LIMIT 9"
            )
            claimed = [len(await connection.fetch(running.CLAIM)) for _ in range(3)]
            await transaction.rollback()
            return claimed

        assert erp.with_connection(claims) == [1, 1, 1]

    def test_the_report_is_what_the_books_say_and_its_sums_are_the_file_s(self, erp: Harness):
        job = ended(erp, file_of([row(number, unit_price=f"{number}.15") for number in range(1, 40)]))
        text = get(erp, f"/imports/{job['id']}/report.csv").text
        header, *lines, total = list(csv.reader(io.StringIO(text)))
        assert header == ["line", "reference", "invoice", "net", "duty", "vat", "gross"]
        assert [line[0] for line in lines] == [str(number) for number in range(2, 41)]
        for place, name in ((3, "net"), (4, "duty"), (5, "vat"), (6, "gross")):
            assert str(sum(Decimal(line[place]) for line in lines)) == total[place] == job[name]
        page = get(erp, f"/imports/{job['id']}/report.html", "auditor")
        assert page.headers["content-type"].startswith("text/html")
        assert f'<td class="amount">{job["gross"]}</td></tr></tbody>' in page.text
        assert page.text.count("<tr>") == 7 + 1 + 39
        pdf = get(erp, f"/imports/{job['id']}/report.pdf")
        assert pdf.headers["content-type"] == "application/pdf"
        words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages).split()
        assert [words.count(job[name]) for name in ("net", "vat", "gross")] == [1, 1, 1]
        assert job["sha256"] in words

    def test_bad_rows_are_named_and_nothing_is_imported(self, erp: Harness, others: Any):
        rows = [row(number) for number in range(600)]
        rows[3] = row(3, vat_rate="14")
        rows[599] = ["too", "short"]
        before = erp.count(others.dsns["finance"], IMPORTED)
        job = ended(erp, file_of(rows))
        assert (job["state"], job["rows_refused"], job["gross"]) == ("FAILED", 2, None)
        assert job["trouble"] == "2 rows are bad, so none was imported"
        query = "query($id: ID!) { importJob(id: $id) { state refusals { rowNumber reason } } }"
        refusals = erp.ask(query, {"id": job["id"]})["importJob"]["refusals"]
        assert sorted(refusals, key=lambda one: one["rowNumber"]) == [
            {"rowNumber": 5, "reason": "vatRate of a taxable line is none of 5, 7.5, 10, 15"},
            {"rowNumber": 601, "reason": "there are 2 fields, not 9"},
        ]
        text = get(erp, f"/imports/{job['id']}/report.csv").text
        assert [line[0] for line in csv.reader(io.StringIO(text))] == ["line", "5", "601"]
        pdf = get(erp, f"/imports/{job['id']}/report.pdf").content
        assert "there are 2 fields, not 9" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
        assert "<td>601</td>" in get(erp, f"/imports/{job['id']}/report.html").text
        assert erp.count(others.dsns["finance"], IMPORTED) == before
        assert told(erp, job["id"])[-1]["data"]["state"] == "FAILED"

    def test_the_same_file_twice_has_one_effect_and_a_failed_one_may_come_again(self, erp: Harness, others: Any):
        body = file_of([row(number) for number in range(5)])
        first = ended(erp, body)
        before = erp.count(others.dsns["finance"], IMPORTED), erp.count(others.dsns["file-storage"], STORED)
        again = upload(erp, body, "other-name.csv")
        assert (again.status_code, again.json()) == (200, {"id": first["id"], "new": False})
        assert (erp.count(others.dsns["finance"], IMPORTED), erp.count(others.dsns["file-storage"], STORED)) == before
        bad = file_of([row(1, quantity="0")])
        assert ended(erp, bad)["id"] != ended(erp, bad)["id"]

    def test_what_finance_has_done_already_is_not_done_again(self, erp: Harness, others: Any):
        """As after a crash between the commit in finance and the note of it here."""
        job = ended(erp, file_of([row(number) for number in range(5)]))
        before = erp.count(others.dsns["finance"], IMPORTED)
        key = job["id"]
        erp.sql("UPDATE import_job SET state = 'RUNNING', gross = NULL WHERE id = $1::text::uuid", key)
        erp.sql("UPDATE import_run SET next_at = now() WHERE job_id = $1::text::uuid", key)
        erp.settle(lambda: get(erp, f"/imports/{key}").json()["state"] == "DONE")
        assert get(erp, f"/imports/{key}").json()["gross"] == job["gross"]
        assert erp.count(others.dsns["finance"], IMPORTED) == before

    def test_an_early_answer_reaches_whoever_still_sends(self, erp: Harness, others: Any):
        """More than the buffers of both sockets hold."""
        job = ended(erp, file_of([row(1)]))
        line = json.dumps([[number, "", *row(number)] for number in range(2, 200)]).encode() + b"\n"
        headers = {"authorization": f"Bearer {erp.token('service')}"}
        asked = {"id": str(uuid4()), "sha256": job["sha256"], "actor": USER_ID}

        def answer() -> httpx.Response:
            parts = (line for _ in range(700))
            url = f"{others.urls['finance']}/invoice-imports"
            return httpx.post(url, params=asked, content=parts, headers=headers, timeout=60, trust_env=False)

        assert answer().json()["state"] == "known"
        asked["sha256"], line = "e" * 64, b"[]\n" + b"{}\n" * 8000
        assert answer().status_code == 422

    def test_a_connection_that_breaks_off_leaves_nothing_behind(self, erp: Harness, others: Any):
        before = [erp.count(others.dsns["finance"], query) for query in (IMPORTED, "SELECT count(*) FROM events")]
        headers = {"authorization": f"Bearer {erp.token('service')}"}
        asked = {"id": str(uuid4()), "sha256": "f" * 64, "actor": USER_ID}

        def parts() -> Iterator[bytes]:
            yield json.dumps([[number, "", *row(number)] for number in range(2, 500)]).encode() + b"\n"
            raise OSError("unplugged")

        with pytest.raises(OSError, match="unplugged"):
            httpx.post(
                f"{others.urls['finance']}/invoice-imports",
                params=asked,
                content=parts(),
                headers=headers,
                timeout=60,
                trust_env=False,
            )
        # The next one waits for its turn, so the broken one is over by then.
        assert ended(erp, file_of([row(1)]))["state"] == "DONE"
        after = [erp.count(others.dsns["finance"], query) for query in (IMPORTED, "SELECT count(*) FROM events")]
        assert after == [before[0] + 1, before[1] + 2]

    def test_the_end_waits_for_hr_to_tell_the_address(self, erp: Harness, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(running, "LATER", running.LATER.replace("second", "millisecond"))
        asked = []

        async def graphql(service: str, _query: str, variables: dict[str, str]) -> dict[str, Any]:
            asked.append((service, variables))
            if len(asked) == 1:
                raise AwayError("hr: ReadTimeout")
            return {"employees": [{"email": "ada@example.org"}]}

        monkeypatch.setattr(erp.app.state.runtime.client, "graphql", graphql)
        job = ended(erp, file_of([row(1)]))
        assert asked == [("hr", {"user": USER_ID})] * 2
        assert (job["state"], job["rows_read"]) == ("DONE", 1)
        (finished,) = [one for one in told(erp, job["id"]) if one["type"] == "ImportFinished"]
        assert finished["data"]["address"] == "ada@example.org"

    def test_no_header_no_import(self, erp: Harness):
        job = ended(erp, b"a,b\n1,2\n")
        assert job["state"] == "FAILED"
        assert job["trouble"].startswith("the header lacks reference, customer_id")
        assert ended(erp, file_of([]))["trouble"] == ("finance answered 422: the file has no row besides its header")
        assert ended(erp, b"")["trouble"] == "the file is empty"

    def test_a_damaged_file_is_not_imported(self, erp: Harness, others: Any, monkeypatch: pytest.MonkeyPatch):
        before = erp.count(others.dsns["finance"], IMPORTED)
        body = file_of([row(number) for number in range(5)])
        monkeypatch.setattr(running, "hashlib", _OtherDigest)
        job = ended(erp, body)
        assert job["trouble"] == "the stored file is not what was uploaded"
        assert erp.count(others.dsns["finance"], IMPORTED) == before

    def test_a_small_file_comes_by_graphql(self, erp: Harness):
        query = "mutation($n: String!, $c: String!) { importInvoices(name: $n, csv: $c) { id fileName rowsTotal } }"
        given = {"n": "small.csv", "c": file_of([row(1)]).decode()}
        made = erp.ask(query, given, role="accountant")["importInvoices"]
        assert (made["fileName"], made["rowsTotal"]) == ("small.csv", 1)
        assert erp.ask(query, given)["importInvoices"] == made
        assert erp.refusal(query, given, role="clerk") == "FORBIDDEN"
        erp.settle(lambda: get(erp, f"/imports/{made['id']}").json()["state"] == "DONE")

    def test_who_may_what(self, erp: Harness):
        for role in ("clerk", "auditor", "service"):
            assert upload(erp, b"x", role=role).status_code == 403
            assert get(erp, "/exports/invoices.csv", role).status_code == 403
        assert get(erp, f"/imports/{uuid4()}").status_code == 404
        assert get(erp, f"/imports/{uuid4()}", "clerk").status_code == 403
        headers = {"authorization": f"Bearer {erp.token('accountant')}", "content-type": "application/pdf"}
        assert erp.post("/imports?name=x", content=b"x", headers=headers).status_code == 415
        assert upload(erp, b"x", name="").json()["message"] == "name is blank"

    def test_all_invoices_come_out_as_csv(self, erp: Harness, others: Any):
        before = erp.sql("SELECT count(*) AS n FROM export_job")[0]["n"]
        header, *lines = list(csv.reader(io.StringIO(get(erp, "/exports/invoices.csv?currency=BDT").text)))
        assert header[:2] == ["number", "customer_id"]
        assert len(lines) == erp.count(others.dsns["finance"], "SELECT count(*) FROM invoice_view")
        assert erp.sql("SELECT count(*) AS n FROM export_job")[0]["n"] == before + 1

    def test_an_import_waits_for_a_service_that_is_away(self, erp: Harness, monkeypatch: pytest.MonkeyPatch):
        client = erp.app.state.runtime.client
        monkeypatch.setattr(running, "LATER", running.LATER.replace("second", "millisecond"))
        with away(client.urls, "finance"):
            job = upload(erp, file_of([row(1)])).json()["id"]
            erp.settle(lambda: erp.sql("SELECT attempts FROM import_run WHERE job_id::text = $1", job)[0][0] > 0)
        assert get(erp, f"/imports/{job}").json()["state"] in {"PENDING", "RUNNING", "DONE"}
        erp.settle(lambda: get(erp, f"/imports/{job}").json()["state"] == "DONE")
        with away(client.urls, "finance"):
            lost = ended(erp, file_of([row(1)]))
        assert lost["trouble"] == "finance: ConnectError"
        with away(client.urls, "file-storage"):
            assert upload(erp, file_of([row(1)])).status_code == 503

    def test_no_file_is_too_large(self, erp: Harness, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(intake, "LARGEST", 20)
        answer = upload(erp, file_of([row(1)]))
        assert (answer.status_code, answer.json()["message"]) == (422, "a file has at most 20 bytes")

    def test_a_file_that_trickles_in_is_given_up(self, erp: Harness, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(intake, "UPLOAD_SECONDS", 0.2)
        never = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"reference"
            await never.wait()

        headers = {"authorization": f"Bearer {erp.token('accountant')}", "content-type": "text/csv"}
        answer = erp.post("/imports", params={"name": "slow.csv"}, content=body(), headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (422, "the file did not arrive within 0.2 s")

    def test_only_so_many_files_come_in_at_once(self, erp: Harness, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(streams, "TURN_SECONDS", 0.1)
        monkeypatch.setitem(erp.app.state.runtime.shared, "turn upload", asyncio.Semaphore(0))
        answer = upload(erp, file_of([row(1)]))
        assert (answer.status_code, answer.json()["message"]) == (503, "3 of these run already; try again later")


class _OtherDigest:
    """A hash that fits nothing."""

    @staticmethod
    def sha256() -> Any:
        return hashlib.sha512()


@contextmanager
def away(urls: dict[str, str], name: str) -> Iterator[None]:
    before = urls[name]
    urls[name] = "http://127.0.0.1:9"
    try:
        yield
    finally:
        urls[name] = before
