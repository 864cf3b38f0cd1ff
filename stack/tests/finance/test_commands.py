"""Commands that are sent again, that meet each other, and that follow on a long history."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from erp_harness import Harness

from certify_stack.erp.finance import event_store, snapshots
from certify_stack.erp.finance.events import UnknownEventError
from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: CreateInvoiceInput!) { createInvoice(input: $i) { id number } }"
ISSUE = """
mutation($id: ID!, $v: Int, $k: String, $d: Date, $l: PrintLanguage! = ENGLISH) {
  issueInvoice(id: $id, expectedVersion: $v, idempotencyKey: $k, dueOn: $d, language: $l) { status version language }
}
"""
PAY = """
mutation($id: ID!, $a: Decimal!, $k: String!, $v: Int, $m: PaymentMethod! = BANK) {
  recordPayment(invoiceId: $id, amount: $a, idempotencyKey: $k, expectedVersion: $v, method: $m) {
    id invoice { status paid version }
  }
}
"""
EVENTS = "SELECT count(*) AS n FROM events"
SNAPSHOT = "SELECT stream_version, state->>'paid' AS paid FROM snapshot WHERE stream_id = $1::text::uuid"


def asked(price: str = "100.00", **changes: object) -> dict[str, Any]:
    line = {"productId": str(sample_id("Product", 1)), "description": "Rice", "quantity": "1", "vatRate": "15"}
    return {"i": {"customerId": str(uuid4()), "lines": [{**line, "unitPrice": price}], **changes}}


def issued(erp: Harness, price: str = "100.00") -> str:
    key: str = erp.ask(CREATE, asked(price))["createInvoice"]["id"]
    erp.ask(ISSUE, {"id": key})
    return key


def events(erp: Harness) -> int:
    count: int = erp.sql(EVENTS)[0]["n"]
    return count


def test_an_invoice_is_drawn_up_and_sent_once_for_its_key(erp: Harness):
    given = asked(idempotencyKey=str(uuid4()))
    first = erp.ask(CREATE, given)["createInvoice"]
    before = events(erp)
    assert erp.ask(CREATE, given)["createInvoice"] == first
    assert {one["data"]["createInvoice"]["id"] for one in erp.together([(CREATE, given)] * 8)} == {first["id"]}
    assert events(erp) == before
    other = {"i": {**given["i"], "pricesIncludeTax": True}}
    assert erp.refusal(CREATE, other) == "CONFLICT"
    key = str(uuid4())
    sent = {"status": "ISSUED", "version": 2, "language": "BANGLA"}
    for _ in range(2):
        assert erp.ask(ISSUE, {"id": first["id"], "k": key, "l": "BANGLA"})["issueInvoice"] == sent
    assert erp.refusal(ISSUE, {"id": first["id"], "k": key, "d": "2099-01-01"}) == "CONFLICT"
    assert erp.refusal(ISSUE, {"id": first["id"], "k": given["i"]["idempotencyKey"]}) == "CONFLICT"
    assert events(erp) == before + 1


def test_a_command_that_fails_does_not_use_its_key_up(erp: Harness):
    key, draft = str(uuid4()), erp.ask(CREATE, asked())["createInvoice"]["id"]
    assert erp.refusal(PAY, {"id": draft, "a": "5.00", "k": key}) == "CONFLICT"
    erp.ask(ISSUE, {"id": draft})
    assert erp.ask(PAY, {"id": draft, "a": "5.00", "k": key})["recordPayment"]["invoice"]["paid"] == "5.00"


def test_a_payment_sent_many_times_at_once_has_one_effect(erp: Harness):
    key, given = issued(erp), str(uuid4())
    before = events(erp)
    answers = erp.together([(PAY, {"id": key, "a": "5.00", "k": given})] * 10)
    assert len({answer["data"]["recordPayment"]["id"] for answer in answers}) == 1
    assert events(erp) == before + 2
    assert erp.refusal(PAY, {"id": key, "a": "5.00", "k": given, "m": "CASH"}) == "CONFLICT"


def test_the_seed_remembers_its_payments(erp: Harness):
    (seeded,) = erp.sql("SELECT id, invoice_id, amount, method FROM payment_view WHERE idempotency_key = 'seed-2'")
    again = {"id": str(seeded["invoice_id"]), "a": str(seeded["amount"]), "k": "seed-2", "m": seeded["method"]}
    assert erp.ask(PAY, again)["recordPayment"]["id"] == str(seeded["id"])
    assert erp.refusal(PAY, again | {"a": "0.01"}) == "CONFLICT"


def test_a_payment_decided_on_an_older_version_is_refused(erp: Harness):
    key = issued(erp)
    assert erp.refusal(PAY, {"id": key, "a": "1.00", "k": str(uuid4()), "v": 1}) == "CONFLICT"
    answers = erp.together([(PAY, {"id": key, "a": "1.00", "k": str(uuid4()), "v": 2}) for _ in range(6)])
    assert sum("errors" not in answer for answer in answers) == 1


def test_a_long_stream_is_read_from_its_snapshot(erp: Harness):
    key = issued(erp)
    for number in range(snapshots.EVERY + 3):
        erp.ask(PAY, {"id": key, "a": "1.00", "k": f"{key}-{number}"})
    (kept,) = erp.sql(SNAPSHOT, key)
    assert (kept["stream_version"], kept["paid"]) == (snapshots.EVERY, f"{snapshots.EVERY - 2}.00")
    state = erp.with_connection(lambda connection: snapshots.load(connection, UUID(key)))
    erp.sql("UPDATE snapshot SET shape = shape + 1 WHERE stream_id = $1::text::uuid", key)
    whole = erp.with_connection(lambda connection: snapshots.load(connection, UUID(key)))
    assert state == whole
    assert (state.version, str(state.paid)) == (snapshots.EVERY + 5, f"{snapshots.EVERY + 3}.00")
    # That a snapshot of this shape is used indeed, and only later events are read.
    erp.sql(
        'UPDATE snapshot SET shape = shape - 1, state = state || \'{"paid": "0.00"}\' WHERE stream_id = $1::text::uuid',
        key,
    )
    wrong = erp.with_connection(lambda connection: snapshots.load(connection, UUID(key)))
    assert str(wrong.paid) == "5.00"
    later = erp.with_connection(lambda connection: event_store.stream(connection, UUID(key), after=snapshots.EVERY))
    assert len(later) == 5


def test_short_streams_have_no_snapshot(erp: Harness):
    key = issued(erp)
    erp.ask(PAY, {"id": key, "a": "1.00", "k": str(uuid4())})
    assert erp.sql(SNAPSHOT, key) == []


def test_an_event_of_a_version_that_is_not_known_yet_is_not_guessed():
    row = {"type": "InvoiceIssued", "type_version": 9, "data": "{}"}
    with pytest.raises(UnknownEventError, match="newer"):
        event_store.from_row(row)
