"""Form Mushak-6.3: every field in both languages, numbers without a gap whatever fails or happens at once."""

# ruff: noqa: RUF001 - Bangla digits are what is printed

from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from erp_broker import outbox_of
from erp_harness import Harness
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from certify_stack.erp.document_generator import forms, mushak
from certify_stack.erp.document_generator.mushak import COLUMNS, LABELS, Form, FormLanguage, Row

ISSUE = """
mutation($i: IssueTaxInvoiceInput!) {
  issueTaxInvoiceForm(input: $i) { id number serial fiscalYear supplierBin issuedAt invoice { id } html(language: ENGLISH) }
}
"""
ROW = Row(
    "Rice <25 kg>", "bag", "2.000", "50000.00", "100000.00", "20.00", "20000.00", "15.00", "18000.00", "138000.00"
)
FORM = Form("Seller & Co", "0022418737858", "Motijheel", "Buyer", "0034972180101", "Mohakhali", "Khilkhet", "Truck 11-2233", "R. Karim", "Manager", (ROW, ROW))  # fmt: skip
NOW = datetime(2026, 6, 30, 18, 30, tzinfo=UTC)
LINE = {"description": "Rice", "quantity": "3.000", "net": "100.00", "supplementaryDutyRate": "20.00"}
LINE |= {"supplementaryDuty": "20.00", "vatRate": "15.00", "vat": "18.00", "gross": "138.00"}


@pytest.mark.parametrize("language", list(FormLanguage))
def test_every_field_and_column_is_on_the_form(language: FormLanguage):
    place = 0 if language is FormLanguage.BANGLA else 1
    page = mushak.render(FORM, "2026-27/000001", NOW, language)
    for words in (*LABELS.values(), *COLUMNS):
        assert words[place] in unescape(page)
    assert "<td>Rice &lt;25 kg&gt;</td>" in page
    assert "Seller &amp; Co" in page
    assert "Truck 11-2233" in page, "what people wrote stays as they wrote it"
    expected = {
        FormLanguage.ENGLISH: [
            "002241873-7858",
            "003497218-0101",
            "2026-27/000001",
            "01-07-2026",
            "00:30",
            "2,76,000.00",
        ],
        FormLanguage.BANGLA: [
            "০০২২৪১৮৭৩-৭৮৫৮",
            "০০৩৪৯৭২১৮-০১০১",
            "২০২৬-২৭/০০০০০১",
            "০১-০৭-২০২৬",
            "০০:৩০",
            "২,৭৬,০০০.০০",
        ],
    }
    for text in expected[language]:
        assert text in page


def test_a_buyer_without_bin_has_an_empty_field():
    page = mushak.render(Form(**{**_fields(FORM), "buyer_bin": ""}), "x", NOW, FormLanguage.ENGLISH)
    assert '<dd data-field="buyer_bin"></dd>' in page


def _fields(form: Form) -> dict[str, Any]:
    return {name: getattr(form, name) for name in form.__struct_fields__}


@pytest.mark.parametrize(
    ("moment", "year"),
    [("2026-06-30T17:59:59", "2025-26"), ("2026-06-30T18:00:00", "2026-27"), ("2099-12-31T00:00:00", "2099-00")],
)
def test_a_fiscal_year_begins_in_july_in_dhaka(moment: str, year: str):
    assert mushak.fiscal_year(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == year


class Neighbours:
    """Answers as finance and crm do, over HTTP."""

    def __init__(self) -> None:
        self.invoice: dict[str, Any] | None = {"status": "ISSUED", "currency": "BDT", "customer": {"id": "c"}}
        self.customer: dict[str, Any] | None = {"name": "Buyer", "bin": "0034972180101"}
        self.status = 200
        self.app = Starlette(routes=[Route("/graphql", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> JSONResponse:
        asked = (await request.json())["query"]
        invoice = None if self.invoice is None else {**self.invoice, "lines": [LINE]}
        data = {"invoice": invoice} if "invoice(id" in asked else {"customer": self.customer}
        return JSONResponse({"data": data}, self.status)


@pytest.fixture
def neighbours(erp: Harness, tmp_path: Path) -> Iterator[Neighbours]:
    token = tmp_path / "token"
    token.write_text(erp.token("service"))
    answering = Neighbours()
    with erp.reaching({"finance": "http://n", "crm": "http://n"}, token):
        erp.app.state.runtime.client._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(answering.app), base_url="http://n"
        )
        yield answering


def asked(**changes: str) -> dict[str, Any]:
    given = {"invoiceId": str(uuid4()), "supplierName": "Seller", "supplierBin": "0022418737858", "vehicle": "-"}
    given |= {"issuedFrom": "Motijheel", "buyerAddress": "Mohakhali", "destination": "Khilkhet"}
    return {"i": {**given, "officerName": "R. Karim", "officerTitle": "Manager", **changes}}


def bin_of() -> str:
    return f"{uuid4().int % 10**13:013d}"


@pytest.mark.usefixtures("neighbours")
def test_a_tax_invoice_is_made_of_the_invoice_and_the_customer_once(erp: Harness):
    given = asked(supplierBin=bin_of(), unit="bag")
    made = erp.ask(ISSUE, given, role="accountant")["issueTaxInvoiceForm"]
    assert (made["serial"], made["number"]) == (1, f"{made['fiscalYear']}/000001")
    assert made["invoice"] == {"id": given["i"]["invoiceId"]}
    for text in ("Buyer", "003497218-0101", "33.33", "bag", "138.00", "Khilkhet", made["number"]):
        assert text in made["html"]
    assert erp.ask(ISSUE, given)["issueTaxInvoiceForm"] == made
    assert erp.refusal(ISSUE, {"i": {**given["i"], "destination": "Elsewhere"}}) == "CONFLICT"
    assert outbox_of(erp, made["id"]) == ["TaxInvoiceIssued"]
    one = erp.ask("query($id: ID!) { taxInvoiceForm(id: $id) { html } }", {"id": made["id"]})["taxInvoiceForm"]
    assert "মূসক-৬.৩" in one["html"]
    assert made["id"] in {form["id"] for form in erp.ask("{ taxInvoiceForms { id } }")["taxInvoiceForms"]}
    refs = {"r": [{"__typename": "TaxInvoiceForm", "id": key} for key in (made["id"], str(uuid4()))]}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on TaxInvoiceForm { serial } } }"
    assert erp.ask(query, refs)["_entities"] == [{"serial": 1}, None]
    assert erp.refusal(ISSUE, given, role="clerk") == "FORBIDDEN"


@pytest.mark.usefixtures("neighbours")
def test_numbers_have_no_gap_whatever_happens_at_once(erp: Harness):
    number, same = bin_of(), asked()["i"]["invoiceId"]
    different = [(ISSUE, asked(supplierBin=number)) for _ in range(12)]
    again = [(ISSUE, asked(supplierBin=number, invoiceId=same)) for _ in range(6)]
    answers = erp.together([*different, *again])
    assert all("errors" not in answer for answer in answers), answers
    serials = sorted(
        row["serial"] for row in erp.sql("SELECT serial FROM tax_invoice_form WHERE supplier_bin = $1", number)
    )
    assert serials == list(range(1, 14))
    assert erp.sql("SELECT last FROM mushak_series WHERE supplier_bin = $1", number)[0]["last"] == 13


def test_the_samples_are_a_series_too(erp: Harness):
    query = "{ taxInvoiceForms(limit: 100) { serial number html(language: ENGLISH) } }"
    seeded = [form for form in erp.ask(query)["taxInvoiceForms"] if form["number"].startswith("2025-26/")]
    assert sorted(form["serial"] for form in seeded) == list(range(1, 21))
    assert all("<td>pcs</td>" in form["html"] for form in seeded)


def test_a_form_that_is_not_kept_gives_its_number_back(erp: Harness):
    number = bin_of()

    async def fail(connection: Any) -> None:
        async with connection.transaction():
            assert await forms.next_serial(connection, number, "2026-27") == 2
            raise RuntimeError("not kept")

    async def keep(connection: Any) -> int:
        return await forms.next_serial(connection, number, "2026-27")

    assert erp.with_connection(keep) == 1
    with pytest.raises(RuntimeError, match="not kept"):
        erp.with_connection(fail)
    assert erp.with_connection(keep) == 2


def test_a_draft_another_currency_or_nothing_has_no_tax_invoice(erp: Harness, neighbours: Neighbours):
    good = dict(neighbours.invoice or {})
    for invoice, code in (
        ({**good, "status": "DRAFT"}, "CONFLICT"), ({**good, "currency": "USD"}, "CONFLICT"), (None, "NOT_FOUND")
    ):  # fmt: skip
        neighbours.invoice = invoice
        assert erp.refusal(ISSUE, asked()) == code
    neighbours.invoice, neighbours.customer = good, None
    assert erp.refusal(ISSUE, asked()) == "NOT_FOUND"
    neighbours.status = 500
    assert erp.refusal(ISSUE, asked()) == "DEPENDENCY_UNAVAILABLE"
    for wrong in ({"supplierBin": "224187378587"}, {"vehicle": " "}, {"unit": ""}, {"invoiceId": "x"}):
        assert erp.refusal(ISSUE, asked(**wrong)) == "BAD_USER_INPUT"
