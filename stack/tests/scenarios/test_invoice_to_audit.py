"""Scenario 1: a customer is billed and pays, and the audit trail tells of it. All through the gateway."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.scenario("invoice-to-audit")

CREATE_CUSTOMER = """
mutation ($input: CustomerCreateInput!) { createCustomer(input: $input) { id name } }
"""
PRODUCTS = "{ products(limit: 2) { id name } currencies(limit: 1) { id } }"
CREATE_INVOICE = """
mutation ($input: CreateInvoiceInput!) {
  createInvoice(input: $input) {
    id status net vat gross customer { id name } lines { net vat product { id name } }
  }
}
"""
ISSUE = "mutation ($id: ID!) { issueInvoice(id: $id) { status dueOn gross paid } }"
PAY = """
mutation ($invoice: ID!, $amount: Decimal!, $key: String!) {
  recordPayment(invoiceId: $invoice, amount: $amount, idempotencyKey: $key) { id amount invoice { status paid } }
}
"""
ACCOUNT = "query ($id: ID!) { account(customerId: $id) { currency invoiced paid balance } }"
AUDIT = """
query ($subject: ID!) { auditEntries(subject: $subject, limit: 50) { action service subjectType actorName } }
"""
CHAIN = "{ auditChain { intact firstBroken length } }"


@pytest.fixture(scope="module")
def customer(gateway: Any, user: Any) -> dict[str, Any]:
    """A customer of our own, so that its account starts empty."""
    known = gateway.query(PRODUCTS, user("accountant"))
    new = {
        "name": f"Scenario {uuid4()}",
        "email": "scenario@example.org",
        "status": "ACTIVE",
        "creditLimit": "100000.00",
        "currencyId": known["currencies"][0]["id"],
    }
    made = gateway.query(CREATE_CUSTOMER, user("clerk"), input=new)["createCustomer"]
    assert made["name"] == new["name"]
    return {**made, "products": known["products"]}


@pytest.fixture(scope="module")
def invoice(gateway: Any, user: Any, customer: dict[str, Any]) -> dict[str, Any]:
    """2 x 1,000.05 at 15 % and 3 x 33.33 at 7.5 %: 2,100.09 net, 307.52 tax."""
    first, second = customer["products"]
    lines = [
        {"productId": first["id"], "description": "Desk", "quantity": "2", "unitPrice": "1000.05", "vatRate": "15"},
        {"productId": second["id"], "description": "Lamp", "quantity": "3", "unitPrice": "33.33", "vatRate": "7.5"},
    ]
    given = {"customerId": customer["id"], "currency": "BDT", "lines": lines}
    made: dict[str, Any] = gateway.query(CREATE_INVOICE, user("clerk"), input=given)["createInvoice"]
    return made


def test_the_invoice_is_drawn_up_exactly_and_across_services(invoice: dict[str, Any], customer: dict[str, Any]) -> None:
    assert invoice["status"] == "DRAFT"
    assert [(line["net"], line["vat"]) for line in invoice["lines"]] == [("2000.10", "300.02"), ("99.99", "7.50")]
    assert (invoice["net"], invoice["vat"], invoice["gross"]) == ("2100.09", "307.52", "2407.61")
    # crm and master-data answer for what finance only refers to.
    assert invoice["customer"] == {"id": customer["id"], "name": customer["name"]}
    assert [line["product"]["name"] for line in invoice["lines"]] == [one["name"] for one in customer["products"]]


def test_payment_settles_the_account_and_the_audit_trail_tells_all(
    gateway: Any, user: Any, eventually: Any, invoice: dict[str, Any], customer: dict[str, Any]
) -> None:
    accountant = user("accountant")
    issued = gateway.query(ISSUE, accountant, id=invoice["id"])["issueInvoice"]
    assert (issued["status"], issued["gross"], issued["paid"]) == ("ISSUED", "2407.61", "0.00")
    assert issued["dueOn"]

    key = str(uuid4())
    part = gateway.query(PAY, accountant, invoice=invoice["id"], amount="1000.00", key=key)["recordPayment"]
    assert part["invoice"] == {"status": "PARTLY_PAID", "paid": "1000.00"}
    again = gateway.query(PAY, accountant, invoice=invoice["id"], amount="1000.00", key=key)["recordPayment"]
    assert again["id"] == part["id"], "the same payment was taken twice"
    rest = gateway.query(PAY, accountant, invoice=invoice["id"], amount="1407.61", key=f"{key}-rest")["recordPayment"]
    assert rest["invoice"] == {"status": "PAID", "paid": "2407.61"}

    account = gateway.query(ACCOUNT, accountant, id=customer["id"])["account"]
    amounts = {name: Decimal(account[name]) for name in ("invoiced", "paid", "balance")}
    assert amounts == {"invoiced": Decimal("2407.61"), "paid": Decimal("2407.61"), "balance": Decimal(0)}

    auditor = user("auditor")

    def actions_of(subject: str) -> list[str]:
        entries = gateway.query(AUDIT, auditor, subject=subject)["auditEntries"]
        return sorted(entry["action"] for entry in entries if entry["service"] == "finance")

    told = ["InvoiceCreated", "InvoiceIssued", "InvoicePaymentApplied", "InvoicePaymentApplied"]
    assert eventually(
        lambda: (seen := actions_of(invoice["id"])) == told and seen, within=10, what=f"audit entries {told}"
    )
    assert eventually(lambda: actions_of(part["id"]) == ["PaymentReceived"], what="the payment's audit entry")
    assert gateway.query(CHAIN, auditor)["auditChain"]["intact"] is True


def test_who_may_not_take_payments_is_refused(gateway: Any, user: Any, invoice: dict[str, Any]) -> None:
    answer = gateway.answer(PAY, user("clerk"), invoice=invoice["id"], amount="1.00", key=str(uuid4()))
    assert [error["extensions"]["code"] for error in answer.errors] == ["FORBIDDEN"]
