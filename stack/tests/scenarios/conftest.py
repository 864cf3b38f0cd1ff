"""A business to play scenarios with: each test has a customer of its own. `certify` gives the running stack.

Without it nothing is collected.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

if "CERTIFY_SCENARIO_HANDOVER" not in os.environ:
    collect_ignore_glob = ["test_*.py"]

KNOWN = "{ products(limit: 100) { id name } currencies(limit: 100) { id code } countries(limit: 100) { id name } }"
OLDEST = -3
CREATE_CUSTOMER = "mutation ($input: CustomerCreateInput!) { createCustomer(input: $input) { id name } }"
CREATE_INVOICE = """
mutation ($input: CreateInvoiceInput!) {
  createInvoice(input: $input) {
    id number status net vat gross customer { id name } lines { net vat gross product { id name } }
  }
}
"""
ISSUE = "mutation ($id: ID!) { issueInvoice(id: $id) { status dueOn gross paid } }"
PAY = """
mutation ($invoice: ID!, $amount: Decimal!, $key: String!) {
  recordPayment(invoiceId: $invoice, amount: $amount, idempotencyKey: $key) { id amount invoice { status paid } }
}
"""
AUDIT = """
query ($subject: ID!) {
  auditEntries(subject: $subject, limit: 100) { sequence action service actorName traceId detail }
}
"""
# Quantity, price, rate; 5 % of 100.50 is 5.025, which half-up rounding takes to 5.03 and half-even to 5.02.
LINES = (("Desk", "2", "1000.05", "15"), ("Lamp", "3", "33.33", "7.5"), ("Book", "1", "100.50", "5"))


@dataclass
class Business:
    """What people of the company do, all of it through the gateway; the customer is ours alone."""

    gateway: Any
    user: Callable[[str], Any]
    customer: dict[str, Any]
    email: str
    phone: str
    known: dict[str, Any] = field(repr=False)

    def draw_up(self) -> dict[str, Any]:
        """An invoice of three lines with different rates."""
        lines = [
            {"productId": product["id"], "description": text, "quantity": many, "unitPrice": price, "vatRate": rate}
            for product, (text, many, price, rate) in zip(self.known["products"], LINES, strict=True)
        ]
        given = {"customerId": self.customer["id"], "currency": "BDT", "lines": lines}
        made: dict[str, Any] = self.gateway.query(CREATE_INVOICE, self.user("clerk"), input=given)["createInvoice"]
        return made

    def issue(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """Send it to the customer."""
        issued: dict[str, Any] = self.gateway.query(ISSUE, self.user("accountant"), id=invoice["id"])["issueInvoice"]
        return issued

    def pay(self, invoice: dict[str, Any], amount: str, key: str = "") -> dict[str, Any]:
        """Take a payment; the same key again takes nothing."""
        given = {"invoice": invoice["id"], "amount": amount, "key": key or str(uuid4())}
        paid: dict[str, Any] = self.gateway.query(PAY, self.user("accountant"), **given)["recordPayment"]
        return paid

    def trail(self, subject: dict[str, Any]) -> list[dict[str, Any]]:
        """What the audit trail tells of something, oldest first."""
        entries = self.gateway.query(AUDIT, self.user("auditor"), subject=subject["id"])["auditEntries"]
        return sorted(entries, key=lambda entry: entry["sequence"])


@pytest.fixture
def business(gateway: Any, user: Any, unique: Any) -> Business:
    """A company with a customer whose account starts empty and whose addresses nobody else has."""
    # The newest come first, and may be gone the next moment: whoever else tests this stack takes back what it has made.
    known = {name: rows[OLDEST:] for name, rows in gateway.query(KNOWN, user("accountant")).items()}
    name = unique("Scenario")
    email, phone = f"{name.lower()}@example.org", f"+8801{uuid4().int % 10**9:09d}"
    new = {
        "name": name,
        "email": email,
        "phone": phone,
        "status": "ACTIVE",
        "creditLimit": "100000.00",
        "currencyId": known["currencies"][0]["id"],
        "countryId": known["countries"][0]["id"],
    }
    made = gateway.query(CREATE_CUSTOMER, user("clerk"), input=new)["createCustomer"]
    return Business(gateway, user, made, email, phone, known)
