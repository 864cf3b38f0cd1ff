"""Amounts in taka: exact to the poisha on their whole way, rounded as it is stated, and printed as people read them."""

# ruff: noqa: RUF001 - Bangla digits are what is printed

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.scenario("amounts")

CREATE = """
mutation ($input: CreateInvoiceInput!) {
  createInvoice(input: $input) {
    id net vat gross grossPrinted bangla: grossPrinted(language: BANGLA) lines { quantity unitPrice net vat gross }
  }
}
"""
ISSUE = "mutation ($id: ID!) { issueInvoice(id: $id) { gross } }"
PAY = """
mutation ($id: ID!, $amount: Decimal!, $key: String!) {
  recordPayment(invoiceId: $id, amount: $amount, idempotencyKey: $key) { amount invoice { status paid } }
}
"""
ACCOUNT = "query ($id: ID!) { account(customerId: $id) { invoiced paid balance } }"


def line(business: Any, price: object, rate: str = "0", quantity: object = "1") -> dict[str, object]:
    product = business.known["products"][0]["id"]
    return {"productId": product, "description": "x", "quantity": quantity, "unitPrice": price, "vatRate": rate}


def made(business: Any, *lines: dict[str, object]) -> dict[str, Any]:
    given = {"customerId": business.customer["id"], "lines": list(lines)}
    invoice: dict[str, Any] = business.gateway.query(CREATE, business.user("clerk"), input=given)["createInvoice"]
    return invoice


@pytest.mark.parametrize(
    ("price", "rate", "vat"),
    [
        # Binary floating point cannot hold these: above 2 to the power of 53 it knows no odd numbers, let alone poisha.
        ("900719925474099.31", "15", "135107988821114.90"),
        ("99999999999999.99", "7.5", "7500000000000.00"),
        ("12345678901234.57", "5", "617283945061.73"),
        # Halves: binary floating point and rounding to even both take them down.
        ("0.70", "15", "0.11"),
        ("2.10", "5", "0.11"),
        ("4.60", "7.5", "0.35"),
        ("1.15", "10", "0.12"),
        ("0.10", "5", "0.01"),
        ("0.09", "5", "0.00"),
        ("0.01", "15", "0.00"),
    ],
)
def test_tax_is_exact_and_halves_go_up(business: Any, price: str, rate: str, vat: str) -> None:
    invoice = made(business, line(business, price, rate))
    assert (invoice["net"], invoice["vat"]) == (price, vat)
    assert invoice["gross"] == str(Decimal(price) + Decimal(vat))
    assert invoice["lines"][0] == {
        "quantity": "1.000",
        "unitPrice": price,
        "net": price,
        "vat": vat,
        "gross": invoice["gross"],
    }


@pytest.mark.notices("amount")
def test_many_small_amounts_lose_nothing(business: Any) -> None:
    invoice = made(business, *(line(business, "0.10") for _ in range(100)), line(business, "1.00"))
    assert (invoice["net"], invoice["vat"], invoice["gross"]) == ("11.00", "0.00", "11.00")
    business.gateway.query(ISSUE, business.user("accountant"), id=invoice["id"])
    for number in range(1, 11):
        given = {"id": invoice["id"], "amount": "0.10", "key": str(uuid4())}
        paid = business.gateway.query(PAY, business.user("accountant"), **given)["recordPayment"]
        assert paid == {"amount": "0.10", "invoice": {"status": "PARTLY_PAID", "paid": f"{Decimal(number) / 10:.2f}"}}
    account = business.gateway.query(ACCOUNT, business.user("accountant"), id=business.customer["id"])["account"]
    assert account == {"invoiced": "11.00", "paid": "1.00", "balance": "10.00"}


@pytest.mark.parametrize(
    "wrong", [10.5, 10, 1e2, "1e2", "10.005", "-1.00", "NaN", "Infinity", "১০.০০", "10,00", "", " 10"]
)
def test_what_is_no_exact_amount_is_refused(business: Any, wrong: object) -> None:
    given = {"customerId": business.customer["id"], "lines": [line(business, wrong)]}
    assert business.gateway.answer(CREATE, business.user("clerk"), input=given).errors


@pytest.mark.parametrize(
    ("price", "english", "bangla"),
    [
        ("0.05", "BDT 0.05", "৳ ০.০৫"),
        ("999.99", "BDT 999.99", "৳ ৯৯৯.৯৯"),
        ("1000.00", "BDT 1,000.00", "৳ ১,০০০.০০"),
        ("99999.90", "BDT 99,999.90", "৳ ৯৯,৯৯৯.৯০"),
        ("100000.00", "BDT 1,00,000.00", "৳ ১,০০,০০০.০০"),
        ("12345678.90", "BDT 1,23,45,678.90", "৳ ১,২৩,৪৫,৬৭৮.৯০"),
        ("900719925474099.31", "BDT 90,07,19,92,54,74,099.31", "৳ ৯০,০৭,১৯,৯২,৫৪,৭৪,০৯৯.৩১"),
    ],
)
def test_amounts_are_printed_by_lakh_and_crore(business: Any, price: str, english: str, bangla: str) -> None:
    invoice = made(business, line(business, price))
    assert (invoice["grossPrinted"], invoice["bangla"]) == (english, bangla)
