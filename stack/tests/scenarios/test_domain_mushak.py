"""The tax invoice by form Mushak-6.3: every field in both languages, and a series of numbers without a gap."""

# ruff: noqa: RUF001 - Bangla digits are what is printed

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from pypdf import PdfReader

pytestmark = pytest.mark.scenario("mushak")

CREATE = "mutation ($input: CreateInvoiceInput!) { createInvoice(input: $input) { id } }"
ISSUE = "mutation ($id: ID!) { issueInvoice(id: $id) { status } }"
FORM = """
mutation ($input: IssueTaxInvoiceInput!) {
  issueTaxInvoiceForm(input: $input) {
    id number serial fiscalYear supplierBin invoice { id number } bangla: html english: html(language: ENGLISH)
  }
}
"""
PRINTED = "query ($id: ID!) { taxInvoiceForm(id: $id) { bangla: pdf english: pdf(language: ENGLISH) } }"
BUYER = "mutation ($id: ID!, $bin: String!) { updateCustomer(id: $id, input: {bin: $bin}) { bin } }"
FIELDS = (
    ("গণপ্রজাতন্ত্রী বাংলাদেশ সরকার", "Government of the People's Republic of Bangladesh"),
    ("জাতীয় রাজস্ব বোর্ড", "National Board of Revenue"),
    ("কর চালানপত্র", "Tax Invoice"),
    ("মূসক-৬.৩", "Mushak-6.3"),
    ("নিবন্ধিত ব্যক্তির নাম", "Name of registered person"),
    ("নিবন্ধিত ব্যক্তির বিআইএন", "BIN of registered person"),
    ("চালানপত্র ইস্যুর ঠিকানা", "Address of issue"),
    ("ক্রেতার নাম", "Name of buyer"),
    ("ক্রেতার বিআইএন", "BIN of buyer"),
    ("ক্রেতার ঠিকানা", "Address of buyer"),
    ("সরবরাহের গন্তব্যস্থল", "Destination of supply"),
    ("যানবাহনের প্রকৃতি ও নম্বর", "Kind and number of vehicle"),
    ("চালানপত্র নম্বর", "Invoice number"),
    ("ইস্যুর তারিখ", "Date of issue"),
    ("ইস্যুর সময়", "Time of issue"),
    ("ক্রমিক", "No."),
    ("পণ্য বা সেবার বর্ণনা", "Description of goods or services"),
    ("সরবরাহের একক", "Unit of supply"),
    ("পরিমাণ", "Quantity"),
    ("একক মূল্য", "Unit price"),
    ("মোট মূল্য", "Total price"),
    ("সম্পূরক শুল্কের হার", "Rate of supplementary duty"),
    ("সম্পূরক শুল্কের পরিমাণ", "Supplementary duty"),
    ("মূল্য সংযোজন করের হার", "Rate of value added tax"),
    ("মূল্য সংযোজন কর/", "Value added tax or specific tax"),
    ("সকল প্রকার শুল্ক ও করসহ মূল্য", "Price with all duties and taxes"),
    ("সর্বমোট", "Total"),
    ("দায়িত্বপ্রাপ্ত ব্যক্তির নাম", "Name of the person in charge"),
    ("পদবি", "Designation"),
    ("স্বাক্ষর", "Signature"),
    ("সিল", "Seal"),
)
SAID = {
    "supplierName": "Padma & Sons", "issuedFrom": "1 Motijheel, Dhaka", "buyerAddress": "2 Mohakhali, Dhaka",
    "destination": "3 Khilkhet, Dhaka", "vehicle": "Truck DM-Ta 11-2233", "officerName": "Rahim Karim",
    "officerTitle": "Manager (Accounts)", "unit": "bag",
}  # fmt: skip


def issued(business: Any) -> str:
    product = business.known["products"][0]["id"]
    line = {"productId": product, "description": "Rice <25 kg>", "quantity": "100", "unitPrice": "1000.00"}
    lines = [{**line, "vatRate": "15", "supplementaryDutyRate": "20"}]
    given = {"customerId": business.customer["id"], "lines": lines}
    key: str = business.gateway.query(CREATE, business.user("clerk"), input=given)["createInvoice"]["id"]
    business.gateway.query(ISSUE, business.user("accountant"), id=key)
    return key


def asked(invoice: str, number: str) -> dict[str, str]:
    return {**SAID, "invoiceId": invoice, "supplierBin": number}


def new_bin() -> str:
    return f"{uuid4().int % 10**13:013d}"


def test_every_field_of_the_form_is_there_in_both_languages(business: Any) -> None:
    accountant = business.user("accountant")
    business.gateway.query(BUYER, business.user("clerk"), id=business.customer["id"], bin="0034972180101")
    invoice = issued(business)
    form = business.gateway.query(FORM, accountant, input=asked(invoice, "0022418737858"))["issueTaxInvoiceForm"]
    assert form["invoice"]["id"] == invoice
    bangla, english = unescape(form["bangla"]), unescape(form["english"])
    for left, right in FIELDS:
        assert left in bangla
        assert right in english
    for text in (*SAID.values(), business.customer["name"], "Rice <25 kg>"):
        assert text in bangla
        assert text in english
    assert "Rice <25 kg>" not in form["bangla"], "what people write is not escaped"
    for text in (
        "002241873-7858",
        "003497218-0101",
        form["number"],
        "1,00,000.00",
        "20,000.00",
        "18,000.00",
        "1,38,000.00",
    ):
        assert text in english
    for text in ("০০২২৪১৮৭৩-৭৮৫৮", "০০৩৪৯৭২১৮-০১০১", "১,০০,০০০.০০", "২০,০০০.০০", "১৮,০০০.০০", "১,৩৮,০০০.০০"):
        assert text in bangla


def text_of(encoded: str) -> str:
    """The text of a PDF; where a cell or a line ends is told by one space."""
    pages = PdfReader(io.BytesIO(base64.b64decode(encoded))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_form_is_printed_in_both_languages_with_number_and_amounts(business: Any) -> None:
    accountant = business.user("accountant")
    form = business.gateway.query(FORM, accountant, input=asked(issued(business), new_bin()))["issueTaxInvoiceForm"]
    printed = business.gateway.query(PRINTED, accountant, id=form["id"])["taxInvoiceForm"]
    english, bangla = text_of(printed["english"]), text_of(printed["bangla"])
    for _, label in FIELDS:
        assert label in english
    for text in (form["number"], *SAID.values(), business.customer["name"], "Rice <25 kg>"):
        assert text in english
    # On its line and as the total.
    for amount in ("1,00,000.00", "20,000.00", "18,000.00", "1,38,000.00"):
        assert english.count(f" {amount}") == 2
    in_bangla = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")
    for text in (form["number"], "1,00,000.00", "20,000.00", "18,000.00", "1,38,000.00"):
        assert text.translate(in_bangla) in bangla


def test_numbers_follow_each_other_also_when_many_come_at_once(business: Any) -> None:
    number, accountant = new_bin(), business.user("accountant")
    assert accountant.token
    invoices = [issued(business) for _ in range(8)]
    wrong = [str(uuid4()) for _ in range(3)]

    def send(invoice: str) -> Any:
        return business.gateway.answer(FORM, accountant, input=asked(invoice, number))

    with ThreadPoolExecutor(6) as pool:
        # Some name no invoice, and each real one comes twice.
        answers = list(pool.map(send, [*invoices[:4], *wrong, *invoices, *invoices[4:]]))
    made = [answer.data["issueTaxInvoiceForm"] for answer in answers if not answer.errors]
    assert {form["invoice"]["id"] for form in made} == set(invoices)
    assert sorted({(form["serial"], form["id"]) for form in made}) == sorted(
        {form["serial"]: (form["serial"], form["id"]) for form in made}.values()
    )
    assert sorted({form["serial"] for form in made}) == list(range(1, len(invoices) + 1))


def test_a_draft_and_a_wrong_bin_have_no_tax_invoice(business: Any) -> None:
    draft = business.draw_up()
    for given, code in (
        (asked(draft["id"], "0022418737858"), "CONFLICT"),
        (asked(issued(business), "022418737858"), "BAD_USER_INPUT"),
        (asked(str(uuid4()), "0022418737858"), "NOT_FOUND"),
    ):
        answer = business.gateway.answer(FORM, business.user("accountant"), input=given)
        assert [error["extensions"]["code"] for error in answer.errors] == [code]
