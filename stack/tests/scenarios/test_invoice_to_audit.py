"""Scenario 1: a customer is billed, pays in two parts and hears of it, and the audit trail tells all. By the gateway."""

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.scenario("invoice-to-audit")

ACCOUNT = "query ($id: ID!) { account(customerId: $id) { currency invoiced paid balance } }"
BOOKED = """
query ($invoice: JournalEntriesWhere!) {
  journalEntries(where: $invoice) { total lines { account debit credit } }
  trialBalance { debit credit }
}
"""
CHAIN = "{ auditChain { intact firstBroken length } }"
ME = "{ me { id username } }"
PAY_AS_CLERK = """
mutation ($invoice: ID!, $key: String!) {
  recordPayment(invoiceId: $invoice, amount: "1.00", idempotencyKey: $key) { id }
}
"""
# Whoever has part in it: drawn up and paid in finance, which asks crm and master-data; heard of by audit and notification.
CONCERNED = {"finance", "crm", "master-data", "audit", "notification"}


@pytest.mark.notices("amount")
def test_the_invoice_is_drawn_up_exactly_and_across_services(business: Any) -> None:
    invoice = business.draw_up()
    assert invoice["status"] == "DRAFT"
    amounts = [(line["net"], line["vat"], line["gross"]) for line in invoice["lines"]]
    assert amounts == [("2000.10", "300.02", "2300.12"), ("99.99", "7.50", "107.49"), ("100.50", "5.03", "105.53")]
    assert (invoice["net"], invoice["vat"], invoice["gross"]) == ("2200.59", "312.55", "2513.14")
    # crm and master-data answer for what finance only refers to.
    assert invoice["customer"] == business.customer
    assert [line["product"] for line in invoice["lines"]] == business.known["products"]


def test_a_part_payment_and_the_rest_settle_the_account(business: Any, gateway: Any, user: Any) -> None:
    invoice = business.draw_up()
    issued = business.issue(invoice)
    assert (issued["status"], issued["gross"], issued["paid"]) == ("ISSUED", "2513.14", "0.00")
    assert issued["dueOn"]
    key = str(uuid4())
    part = business.pay(invoice, "1000.00", key)
    assert part["invoice"] == {"status": "PARTLY_PAID", "paid": "1000.00"}
    assert business.pay(invoice, "1000.00", key)["id"] == part["id"], "the same payment was taken twice"
    assert business.pay(invoice, "1513.14")["invoice"] == {"status": "PAID", "paid": "2513.14"}
    account = gateway.query(ACCOUNT, user("accountant"), id=business.customer["id"])["account"]
    assert account["currency"] == "BDT"
    amounts = {name: Decimal(account[name]) for name in ("invoiced", "paid", "balance")}
    assert amounts == {"invoiced": Decimal("2513.14"), "paid": Decimal("2513.14"), "balance": Decimal(0)}


@pytest.mark.notices("event")
def test_the_audit_trail_is_complete_in_order_and_true(
    business: Any, gateway: Any, user: Any, eventually: Any, trace: Any
) -> None:
    invoice = business.draw_up()
    business.issue(invoice)
    payment = business.pay(invoice, "1000.00")
    business.pay(invoice, "1513.14")
    told = ["InvoiceCreated", "InvoiceIssued", "InvoicePaymentApplied", "InvoicePaymentApplied"]

    def complete() -> list[dict[str, Any]]:
        entries = business.trail(invoice)
        assert [entry["action"] for entry in entries] == told
        return entries

    entries = eventually(complete, what=f"audit entries {told}")
    (received,) = eventually(lambda: business.trail(payment), what="the payment's audit entry")
    assert received["action"] == "PaymentReceived"
    # Each says who did it, in which request, and what it was about.
    clerk, accountant = (gateway.query(ME, user(role))["me"]["id"] for role in ("clerk", "accountant"))
    assert [entry["actorName"] for entry in entries] == [clerk, accountant, accountant, accountant]
    assert {(entry["service"], entry["traceId"]) for entry in (*entries, received)} == {("finance", trace.id)}
    details = [json.loads(entry["detail"]) for entry in (*entries, received)]
    assert details[1]["gross"] == "2513.14"
    assert [detail["amount"] for detail in details[2:]] == ["1000.00", "1513.14", "1000.00"]
    assert {detail["customer_id"] for detail in details} == {business.customer["id"]}
    assert gateway.query(CHAIN, user("auditor"))["auditChain"]["intact"] is True


@pytest.mark.notices("notification")
def test_the_customer_hears_of_the_invoice_and_of_both_payments(business: Any, mailbox: Any) -> None:
    invoice = business.draw_up()
    due = business.issue(invoice)["dueOn"]
    business.pay(invoice, "1000.00")
    business.pay(invoice, "1513.14")
    texts = [
        "We received 1000.00 BDT. Thank you.",
        "We received 1513.14 BDT. Thank you.",
        f"You are billed 2513.14 BDT. Please pay until {due}.",
    ]
    for address in (business.email, business.phone):
        assert sorted(message.text for message in mailbox.wait(address, 3)) == texts


def test_one_trace_leads_through_all_services(
    business: Any, stack: Any, mailbox: Any, eventually: Any, trace: Any
) -> None:
    if not stack.spans:
        pytest.skip("nobody listens to the spans of this stack")
    invoice = business.draw_up()
    business.issue(invoice)
    for address in (business.email, business.phone):
        (message,) = mailbox.wait(address)
        assert message.headers["traceparent"].split("-")[1] == trace.id
    eventually(lambda: trace.services() >= CONCERNED, what=f"spans of {sorted(CONCERNED)} in one trace")
    entries = eventually(lambda: len(seen := business.trail(invoice)) > 1 and seen, what="the audit entries")
    assert {entry["traceId"] for entry in entries} == {trace.id}


def test_the_ledger_balances_for_each_step_and_as_a_whole(business: Any, gateway: Any, user: Any) -> None:
    invoice = business.draw_up()
    business.issue(invoice)
    payments = [business.pay(invoice, "1000.00"), business.pay(invoice, "1513.14")]
    for source, total in ((invoice, "2513.14"), (payments[0], "1000.00"), (payments[1], "1513.14")):
        seen = gateway.query(BOOKED, user("accountant"), invoice={"sourceId": source["id"]})
        (entry,) = seen["journalEntries"]
        assert entry["total"] == total
        for side in ("debit", "credit"):
            assert sum(Decimal(line[side]) for line in entry["lines"]) == Decimal(total)
        sides = [sum(Decimal(line[side]) for line in seen["trialBalance"]) for side in ("debit", "credit")]
        assert sides[0] == sides[1] > 0


def test_who_may_not_take_payments_is_refused(business: Any, gateway: Any, user: Any) -> None:
    invoice = business.draw_up()
    answer = gateway.answer(PAY_AS_CLERK, user("clerk"), invoice=invoice["id"], key=str(uuid4()))
    assert [error["extensions"]["code"] for error in answer.errors] == ["FORBIDDEN"]
