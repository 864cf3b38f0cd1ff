from uuid import uuid4

import pytest
from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = (
    "mutation($i: CreateInvoiceInput!) { createInvoice(input: $i) { id number status net vat gross currency version } }"
)
ISSUE = "mutation($id: ID!, $v: Int, $d: Date) { issueInvoice(id: $id, expectedVersion: $v, dueOn: $d) { status version dueOn } }"
PAY = (
    "mutation($id: ID!, $a: Decimal!, $k: String!) { recordPayment(invoiceId: $id, amount: $a, idempotencyKey: $k) "
    "{ id amount invoice { status paid } customer { id } } }"
)
CUSTOMER = str(sample_id("Customer", 40))


def line(**changes: object) -> dict[str, object]:
    given = {
        "productId": str(sample_id("Product", 1)),
        "description": "Rice, 25 kg",
        "quantity": "2",
        "unitPrice": "10.05",
        "vatRate": "7.5",
    }
    return given | changes


def invoice(*lines: dict[str, object], **changes: object) -> dict[str, object]:
    return {"i": {"customerId": CUSTOMER, "lines": list(lines) or [line()]} | changes}


def draft(erp: Harness, **changes: object) -> str:
    return erp.ask(CREATE, invoice(**changes))["createInvoice"]["id"]


def issued(erp: Harness, **changes: object) -> str:
    key = draft(erp, **changes)
    erp.ask(ISSUE, {"id": key})
    return key


class TestFinance(EntityContract):
    def test_a_clerk_draws_up_an_invoice(self, erp: Harness):
        made = erp.ask(CREATE, invoice(line(), line(vatRate="15")), role="clerk")["createInvoice"]
        assert (made["net"], made["vat"], made["gross"]) == ("40.20", "4.53", "44.73")
        assert (made["status"], made["currency"], made["version"]) == ("DRAFT", "BDT", 1)
        query = "query($id: ID!) { invoice(id: $id) { customer { id } lines { lineNumber quantity product { id } } } }"
        found = erp.ask(query, {"id": made["id"]})["invoice"]
        assert found["customer"] == {"id": CUSTOMER}
        product = {"id": str(sample_id("Product", 1))}
        assert found["lines"] == [
            {"lineNumber": 1, "quantity": "2.000", "product": product},
            {"lineNumber": 2, "quantity": "2.000", "product": product},
        ]

    @pytest.mark.parametrize(
        "changes",
        [
            {"vatRate": "12"},
            {"quantity": "0"},
            {"quantity": "-1"},
            {"unitPrice": "1.005"},
            {"description": " "},
            {"productId": "x"},
        ],
    )
    def test_a_bad_line_is_refused(self, erp: Harness, changes: dict[str, object]):
        assert erp.refusal(CREATE, invoice(line(**changes))) == "BAD_USER_INPUT"

    def test_an_invoice_is_issued_once_and_then_paid(self, erp: Harness):
        key = draft(erp)
        seen = erp.ask(ISSUE, {"id": key, "v": 1, "d": "2099-01-31"}, role="accountant")["issueInvoice"]
        assert seen == {"status": "ISSUED", "version": 2, "dueOn": "2099-01-31"}
        assert erp.refusal(ISSUE, {"id": key}) == "CONFLICT"
        part = erp.ask(PAY, {"id": key, "a": "1.61", "k": "one"}, role="accountant")["recordPayment"]
        assert part["invoice"] == {"status": "PARTLY_PAID", "paid": "1.61"}
        rest = erp.ask(PAY, {"id": key, "a": "20.00", "k": "two"})["recordPayment"]
        assert (rest["invoice"], rest["customer"]) == ({"status": "PAID", "paid": "21.61"}, {"id": CUSTOMER})
        assert erp.refusal(PAY, {"id": key, "a": "0.01", "k": "three"}) == "CONFLICT"
        query = "query($id: ID!) { payments(invoiceId: $id) { id amount } financeHistory(id: $id) { version type typeVersion } }"
        found = erp.ask(query, {"id": key})
        assert [payment["amount"] for payment in found["payments"]] == ["20.00", "1.61"]
        assert [(entry["version"], entry["type"]) for entry in found["financeHistory"]] == [
            (1, "InvoiceCreated"),
            (2, "InvoiceIssued"),
            (3, "InvoicePaymentApplied"),
            (4, "InvoicePaymentApplied"),
        ]

    def test_a_command_decided_on_an_older_version_is_refused(self, erp: Harness):
        assert erp.refusal(ISSUE, {"id": draft(erp), "v": 7}) == "CONFLICT"

    def test_due_dates_lie_ahead(self, erp: Harness):
        assert erp.refusal(ISSUE, {"id": draft(erp), "d": "2020-01-01"}) == "BAD_USER_INPUT"

    def test_commands_name_invoices_that_exist(self, erp: Harness):
        for key in (str(uuid4()), str(sample_id("Payment", 2))):
            assert erp.refusal(ISSUE, {"id": key}) == "NOT_FOUND"
            assert erp.refusal(PAY, {"id": key, "a": "1.00", "k": str(uuid4())}) == "NOT_FOUND"

    def test_a_payment_is_taken_once_for_a_key(self, erp: Harness):
        key, other = issued(erp), issued(erp)
        first = erp.ask(PAY, {"id": key, "a": "5.00", "k": "same"})["recordPayment"]
        again = erp.ask(PAY, {"id": key, "a": "5.00", "k": "same"})["recordPayment"]
        assert (again["id"], again["invoice"]["paid"]) == (first["id"], "5.00")
        assert erp.refusal(PAY, {"id": key, "a": "6.00", "k": "same"}) == "CONFLICT"
        assert erp.refusal(PAY, {"id": other, "a": "5.00", "k": "same"}) == "CONFLICT"

    def test_concurrent_payments_never_take_more_than_is_owed(self, erp: Harness):
        key = issued(erp)
        answers = erp.together([(PAY, {"id": key, "a": "5.00", "k": f"many-{number}"}) for number in range(12)])
        assert sum("errors" not in answer for answer in answers) == 4
        query = "query($id: ID!) { invoice(id: $id) { paid } }"
        assert erp.ask(query, {"id": key})["invoice"] == {"paid": "20.00"}

    def test_positions_have_no_gap_also_when_commands_fail(self, erp: Harness):
        asked = [(CREATE, invoice(line(vatRate="15" if number % 2 else "12"))) for number in range(16)]
        answers = erp.together(asked)
        assert sum("errors" not in answer for answer in answers) == 8
        rows = erp.sql("SELECT position, recorded_at FROM events ORDER BY position")
        assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
        assert erp.sql("SELECT position FROM projection_checkpoint")[0]["position"] == len(rows)

    def test_a_customer_owes_what_was_issued_and_not_paid(self, erp: Harness):
        customer = str(uuid4())
        key = issued(erp, customerId=customer)
        draft(erp, customerId=customer)
        erp.ask(PAY, {"id": key, "a": "1.61", "k": str(uuid4())})
        query = "query($c: ID!) { account(customerId: $c) { invoiced paid balance customer { id } } }"
        assert erp.ask(query, {"c": customer})["account"] == {
            "invoiced": "21.61",
            "paid": "1.61",
            "balance": "20.00",
            "customer": {"id": customer},
        }
        assert erp.ask(query, {"c": str(uuid4())}) == {"account": None}

    def test_invoices_are_found_by_customer_and_status(self, erp: Harness):
        customer = str(sample_id("Customer", 3))
        query = "query($w: InvoicesWhere) { invoices(where: $w, limit: 100) { status customer { id } } }"
        found = erp.ask(query, {"w": {"customerId": customer, "status": "PAID"}})["invoices"]
        assert found
        assert all(entry == {"status": "PAID", "customer": {"id": customer}} for entry in found)
        assert len(erp.ask("{ invoices { id } }")["invoices"]) == 20

    def test_references_of_other_subgraphs_resolve(self, erp: Harness):
        refs = [
            {"__typename": "Invoice", "id": str(sample_id("Invoice", 2))},
            {"__typename": "Payment", "id": str(sample_id("Payment", 2))},
            {"__typename": "Payment", "id": str(uuid4())},
        ]
        query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Invoice { number } ... on Payment { idempotencyKey } } }"
        assert erp.ask(query, {"r": refs})["_entities"] == [
            {"__typename": "Invoice", "number": "INV-00000003"},
            {"__typename": "Payment", "idempotencyKey": "seed-2"},
            None,
        ]
        answer = erp.graphql(query, {"r": refs[1:2]}, role="clerk")
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    def test_a_page_of_invoices_with_lines_takes_two_statements(self, erp: Harness):
        with erp.watching() as statements:
            found = erp.ask("{ invoices(limit: 20) { number lines { description } } }")["invoices"]
        assert len(found) == 20
        assert len([statement for statement in statements if "invoice" in statement]) == 2

    def test_events_are_never_changed(self, erp: Harness):
        for statement in ("UPDATE events SET type = 'x'", "DELETE FROM events", "TRUNCATE events CASCADE"):
            with pytest.raises(Exception, match="events are never changed"):
                erp.sql(statement)

    def test_two_writers_cannot_take_the_same_version_of_a_stream(self, erp: Harness):
        copy = (
            "INSERT INTO events SELECT position + 1000000, gen_random_uuid(), stream_type, stream_id, stream_version, "
            "type, type_version, data, metadata, recorded_at FROM events WHERE position = 1"
        )
        with pytest.raises(Exception, match="events_stream_version"):
            erp.sql(copy)

    def test_parallel_reads_share_few_connections(self, erp: Harness):
        answers = erp.together([("{ invoices(limit: 5) { id } }", {})] * 40)
        assert all(len(answer["data"]["invoices"]) == 5 for answer in answers)
