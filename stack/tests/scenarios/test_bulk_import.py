"""Scenario 2: a file of 10,000 invoices is stored, imported with progress, reported to the poisha, and told of by mail.

What the file must come to is computed here, with fractions, from the texts that stand in it.
"""

import csv
import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

pytestmark = pytest.mark.scenario("bulk-import")

ROWS, BAD_FILE, BAD_ROWS = 10_000, 400, 37
HEADER = (
    "reference",
    "customer_id",
    "currency",
    "product_id",
    "description",
    "quantity",
    "unit_price",
    "vat_rate",
    "due_on",
    "duty_rate",
    "discount",
)
RATES, DUTIES = ("15", "10", "7.5", "5", "0"), ("", "20", "45.5")
AMOUNTS = ("net", "duty", "vat", "gross")
PART = 64 * 1024
# So long may an import take before it counts as stuck; how fast it is, is not asked here.
PATIENCE = 90.0

NEW_USER = "mutation ($input: NewUserInput!) { createUser(input: $input) { id } }"
NEW_EMPLOYEE = "mutation ($input: EmployeeCreateInput!) { createEmployee(input: $input) { id } }"
DEPARTMENT = "{ departments(limit: 1) { id } }"
JOB = """
query ($id: ID!) {
  importJob(id: $id) { state rowsRead rowsRefused rowsTotal sha256 gross file { sha256 sizeBytes name } trouble
    refusals { rowNumber reason } }
}
"""
ACCOUNT = "query ($id: ID!) { account(customerId: $id) { invoiced balance } trialBalance { debit credit } }"
INVOICES = "query ($where: InvoicesWhere!) { invoices(where: $where, limit: 100) { id } }"


@dataclass
class Office:
    """Somebody with a mail address of their own, who sends files of invoices to one customer."""

    client: httpx.Client
    token: str
    email: str
    customer: str
    product: str
    unique: Any
    seen: list[int] = field(default_factory=list)

    def row(self, number: int, **changes: str) -> dict[str, str]:
        """A row whose amounts differ from those around it; none is zero, so that none can be left out of a sum unseen."""
        given = {
            "reference": self.unique("REF"),
            "customer_id": self.customer,
            "currency": "BDT",
            "product_id": self.product,
            "description": f"Delivery {number}, as agreed",
            "quantity": str(1 + number % 9) + (".125" if number % 4 == 0 else ""),
            "unit_price": f"{1 + number % 500}.{number % 100:02d}",
            "vat_rate": RATES[number % len(RATES)],
            "due_on": "2027-01-31",
            "duty_rate": DUTIES[number % len(DUTIES)],
            "discount": "0.51" if number % 10 == 7 else "",
        }
        return given | changes

    def upload(self, rows: list[dict[str, str]], name: str) -> tuple[str, bytes]:
        """Send a file in parts; gives the job and what was sent."""
        text = io.StringIO()
        writer = csv.DictWriter(text, HEADER)
        writer.writeheader()
        writer.writerows(rows)
        body = text.getvalue().encode()
        parts = (body[first : first + PART] for first in range(0, len(body), PART))
        headers = {"content-type": "text/csv"}
        answer = self.client.post("/imports", params={"name": name}, content=parts, headers=headers)
        assert answer.status_code in {200, 202}, answer.text
        return str(answer.json()["id"]), body

    def wait(self, job: str) -> dict[str, Any]:
        """Watch the progress until the import has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.client.get(f"/imports/{job}")
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            self.seen.append(found["rows_read"])
            if found["state"] in {"DONE", "FAILED"}:
                return found
            time.sleep(0.1)
        pytest.fail(f"the import did not end within {PATIENCE:g} s; rows read: {self.seen[-1:]}")

    def report(self, job: str) -> list[list[str]]:
        """The report as rows of texts."""
        answer = self.client.get(f"/imports/{job}/report.csv")
        assert answer.status_code == 200, answer.text
        return list(csv.reader(io.StringIO(answer.text)))


@pytest.fixture
def office(  # noqa: PLR0913, PLR0917 - what an office is made of
    business: Any, gateway: Any, service: Any, user: Any, unique: Any, trace: Any
) -> Iterator[Office]:
    """An accountant of our own, whom hr knows."""
    admin, name = user("admin"), unique("bookkeeper").lower()
    password, email = f"{name}-password", f"{name}@example.org"
    new = {"username": name, "displayName": name, "role": "ACCOUNTANT", "password": password}
    key = gateway.query(NEW_USER, admin, input=new)["createUser"]["id"]
    department = gateway.query(DEPARTMENT, admin)["departments"][0]["id"]
    employee = {"number": unique("N")[:20], "name": name, "email": email, "hiredOn": "2026-01-01"}
    gateway.query(NEW_EMPLOYEE, admin, input=employee | {"departmentId": department, "userId": key})
    answer = service("auth").post("/login", {"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    token = str(answer.json()["access_token"])
    headers = {"authorization": f"Bearer {token}", **trace.headers()}
    url = service("import-export").service.url
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield Office(client, token, email, business.customer["id"], business.known["products"][0]["id"], unique)


def to_cents(amount: Fraction) -> Fraction:
    """Halves away from zero; nothing here is below zero."""
    return Fraction(floor(amount * 100 + Fraction(1, 2)), 100)


def price_of(row: dict[str, str]) -> Fraction:
    return to_cents(Fraction(row["quantity"]) * Fraction(row["unit_price"]))


def amounts_of(row: dict[str, str]) -> dict[str, Fraction]:
    """What a row comes to: duty on the net value, tax on both, each rounded once."""
    net = price_of(row) - Fraction(row["discount"] or "0")
    duty = to_cents(net * Fraction(row["duty_rate"] or "0") / 100)
    vat = to_cents((net + duty) * Fraction(row["vat_rate"]) / 100)
    return {"net": net, "duty": duty, "vat": vat, "gross": net + duty + vat}


def sums_of(rows: list[dict[str, str]]) -> dict[str, Fraction]:
    """What a file comes to."""
    each = [amounts_of(row) for row in rows]
    return {name: sum((one[name] for one in each), Fraction(0)) for name in AMOUNTS}


def test_ten_thousand_invoices_arrive_whole_and_the_report_has_the_sums_of_the_file(
    office: Office, gateway: Any, mailbox: Any
) -> None:
    rows = [office.row(number) for number in range(ROWS)]
    name = f"{office.unique('march')}.csv"
    job, body = office.upload(rows, name)
    ended = office.wait(job)
    assert (ended["state"], ended["trouble"]) == ("DONE", None)
    # Stored, with the digest of what was sent.
    sha256 = hashlib.sha256(body).hexdigest()
    told = gateway.query(JOB, office.token, id=job)["importJob"]
    assert told["file"] == {"sha256": sha256, "sizeBytes": len(body), "name": name}
    assert (told["sha256"], told["rowsTotal"], told["rowsRead"], told["rowsRefused"]) == (sha256, ROWS, ROWS, 0)
    # Progress: never backwards, and seen on the way.
    assert office.seen == sorted(office.seen)
    assert any(0 < rows_read < ROWS for rows_read in office.seen), office.seen
    # The report has each row and the sums of the file.
    expected = sums_of(rows)
    header, *lines, total = office.report(job)
    assert header == ["line", "reference", "invoice", *AMOUNTS]
    assert [(int(line[0]), line[1]) for line in lines] == list(enumerate((row["reference"] for row in rows), 2))
    assert len({line[2] for line in lines}) == ROWS
    wrong = [line for line, row in zip(lines, rows, strict=True) if _fractions(line) != amounts_of(row)]
    assert wrong == []
    assert total[:2] == ["total", str(ROWS)]
    assert _fractions(total) == {name: Fraction(ended[name]) for name in AMOUNTS} == expected
    assert Fraction(told["gross"]) == expected["gross"]
    page = office.client.get(f"/imports/{job}/report.html").text
    assert page.count(f">{total[-1]}</td>") >= 1
    pdf = office.client.get(f"/imports/{job}/report.pdf").content
    words = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf)).pages).split()
    sums = [words[place : place + len(AMOUNTS)] for place, word in enumerate(words) if word == total[3]]
    assert total[3:] in sums, words[-20:]
    # The books say so too.
    seen = gateway.query(ACCOUNT, office.token, id=office.customer)
    account = {side: Fraction(seen["account"][side]) for side in ("invoiced", "balance")}
    assert account == {"invoiced": expected["gross"], "balance": expected["gross"]}
    sides = [sum(Fraction(line[side]) for line in seen["trialBalance"]) for side in ("debit", "credit")]
    assert sides[0] == sides[1] > 0
    # Whoever asked for it hears of it.
    (mail,) = mailbox.wait(office.email, within=PATIENCE)
    assert mail.subject == "Your import"
    assert mail.text == f"{name}: {ROWS} invoices of {ended['gross']} BDT were imported."


def test_a_file_with_37_bad_rows_says_which_and_imports_none(office: Office, gateway: Any, mailbox: Any) -> None:
    rows = [office.row(number) for number in range(BAD_FILE)]
    spoilt = {place: _SPOILT[place % len(_SPOILT)] for place in range(3, BAD_FILE, BAD_FILE // BAD_ROWS)}
    spoilt = dict(list(spoilt.items())[: BAD_ROWS - 1]) | {BAD_FILE - 1: {"unit_price": "1.005"}}
    for place, changes in spoilt.items():
        rows[place] |= changes
    name = f"{office.unique('bad')}.csv"
    job, _ = office.upload(rows, name)
    ended = office.wait(job)
    assert (ended["state"], ended["rows_refused"], ended["gross"]) == ("FAILED", BAD_ROWS, None)
    header, *lines = office.report(job)
    assert header == ["line", "reason"]
    # The header is line 1.
    assert [int(line[0]) for line in lines] == [place + 2 for place in spoilt]
    for (_, reason), changes in zip(lines, spoilt.values(), strict=True):
        assert _words(next(iter(changes))) in _words(reason), (reason, changes)
    refusals = gateway.query(JOB, office.token, id=job)["importJob"]["refusals"]
    assert {refusal["rowNumber"] for refusal in refusals} == {place + 2 for place in spoilt}
    assert gateway.query(INVOICES, office.token, where={"customerId": office.customer})["invoices"] == []
    assert gateway.query(ACCOUNT, office.token, id=office.customer)["account"] is None
    (mail,) = mailbox.wait(office.email, within=PATIENCE)
    assert mail.text == f"{name}: nothing was imported. {BAD_ROWS} rows are bad, so none was imported."


def test_the_same_file_twice_has_one_effect(office: Office, gateway: Any) -> None:
    rows = [office.row(number) for number in range(40)]
    first, _ = office.upload(rows, "one.csv")
    assert office.wait(first)["state"] == "DONE"
    again, _ = office.upload(rows, "other.csv")
    assert again == first
    # The same invoices in another file are known by their references.
    other, _ = office.upload([*rows, office.row(41)], "more.csv")
    ended = office.wait(other)
    assert (ended["state"], ended["rows_refused"]) == ("FAILED", len(rows))
    account = gateway.query(ACCOUNT, office.token, id=office.customer)["account"]
    assert Fraction(account["invoiced"]) == sums_of(rows)["gross"]


_SPOILT: tuple[dict[str, str], ...] = (
    {"vat_rate": "14"},
    {"customer_id": "00000000-0000-4000-8000-000000000000"},
    {"quantity": "0"},
    {"product_id": "none"},
    {"due_on": "31.12.2026"},
    {"reference": "=SUM(A1)"},
    {"duty_rate": "-1"},
)


def _fractions(line: list[str]) -> dict[str, Fraction]:
    """The amounts of a line of the report."""
    return {name: Fraction(text) for name, text in zip(AMOUNTS, line[3:], strict=True)}


def _words(text: str) -> str:
    """A column, or a reason, without the ways of writing names."""
    return text.lower().replace("_", "")
