"""The ledger: pure decisions first, then through GraphQL and the database, which refuses what does not balance."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from erp_harness import Harness

from certify_stack.erp.finance import accounts, ledger
from certify_stack.erp.finance.events import (
    CustomerAccountOpened,
    JournalEntryReversed,
    JournalLine,
    PaymentMethod,
    Recorded,
)
from certify_stack.erp.finance.projection import ProjectionError, project
from certify_stack.erp.samples import EPOCH, sample_id
from certify_stack.kit.errors import ConflictError, InvalidInputError

POST = """
mutation($i: PostJournalEntryInput!, $k: String) {
  postJournalEntry(input: $i, idempotencyKey: $k) { id source sourceId total memo postedOn reversedBy lines { account debit credit } }
}
"""
REVERSE = """
mutation($id: ID!, $k: String) {
  reverseJournalEntry(id: $id, idempotencyKey: $k) { id source sourceId total lines { account debit credit } }
}
"""
ENTRIES = """
query($w: JournalEntriesWhere) {
  journalEntries(where: $w, limit: 100) { id source memo total reversedBy lines { account debit credit } }
}
"""
TRIAL = "query($c: String!) { trialBalance(currency: $c) { account debit credit } }"
CREATE = "mutation($i: CreateInvoiceInput!) { createInvoice(input: $i) { id number } }"
ISSUE = "mutation($id: ID!) { issueInvoice(id: $id) { id } }"
PAY = """
mutation($id: ID!, $a: Decimal!, $m: PaymentMethod!) {
  recordPayment(invoiceId: $id, amount: $a, idempotencyKey: "%s", method: $m) { id method }
}
"""
LIMIT = "mutation($c: ID!, $l: Decimal) { setCreditLimit(customerId: $c, creditLimit: $l) { creditLimit balance } }"
DAY = date(2026, 5, 1)


def side(account: str, debit: str = "0", credit: str = "0") -> JournalLine:
    return JournalLine(account, Decimal(debit), Decimal(credit))


def entry(*lines: dict[str, str], **changes: object) -> dict[str, Any]:
    given = [{"account": "6000", "debit": "10.05"}, {"account": "1010", "credit": "10.05"}]
    return {"i": {"memo": "Charges", "lines": list(lines) or given, **changes}}


def issued(erp: Harness, customer: str | None = None, **line: str) -> str:
    given = {"productId": str(sample_id("Product", 1)), "description": "Rice", "quantity": "1", "unitPrice": "100.00"}
    invoice = {"customerId": customer or str(uuid4()), "lines": [{**given, "vatRate": "15", **line}]}
    key: str = erp.ask(CREATE, {"i": invoice})["createInvoice"]["id"]
    erp.ask(ISSUE, {"id": key})
    return key


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [side("1", "1")],
        [side("1", "1"), side("2", "1")],
        [side("1", "1"), side("2", credit="1.01")],
        [side("1", "1", "1"), side("2", "1", "1")],
        [side("1"), side("2")],
        [side("1", "1"), side("2", credit="1"), side("3")],
        [side("1", "1")] * 51 + [side("2", credit="1")] * 51,
        [side("1", "99999999999999999"), side("2", credit="99999999999999999")],
    ],
)
def test_an_entry_that_does_not_balance_is_not_posted(lines: list[JournalLine]):
    with pytest.raises(InvalidInputError):
        ledger.post("BDT", DAY, "x", lines)


def test_an_entry_is_reversed_once_into_its_opposite():
    posted = ledger.post("BDT", DAY, "x", [side("1", "5"), side("2", credit="3"), side("3", credit="2")])
    made = ledger.replay([posted])
    assert made is not None
    back = ledger.reverse(made, UUID(int=9), DAY)
    assert [(line.account, line.debit, line.credit) for line in back.lines] == [("1", 0, 5), ("2", 3, 0), ("3", 2, 0)]
    after = ledger.replay([posted, back])
    assert after is not None
    assert (after.reversed, after.version) == (True, 2)
    with pytest.raises(ConflictError):
        ledger.reverse(after, UUID(int=8), DAY)
    assert ledger.replay([]) is ledger.replay([back]) is ledger.replay([posted, posted]) is None
    with pytest.raises(ProjectionError, match="which nobody posted"):
        project({}, Recorded(1, UUID(int=1), 2, EPOCH, back))
    assert isinstance(back, JournalEntryReversed)


def test_what_is_issued_and_paid_is_booked():
    parts = ledger.Parts(Decimal(100), Decimal(20), Decimal(18))
    assert ledger.of_invoice(parts) == (
        side("1200", "138", "0.00"), side("4000", "0.00", "100"), side("2110", "0.00", "20"), side("2100", "0.00", "18")
    )  # fmt: skip
    assert ledger.of_invoice(ledger.Parts(Decimal(0), Decimal(0), Decimal(0))) == ()
    assert ledger.of_payment(Decimal(5), PaymentMethod.CASH) == (side("1000", "5", "0.00"), side("1200", "0.00", "5"))


def test_an_account_has_a_limit_or_none():
    opened = accounts.set_limit(None, UUID(int=1), "BDT", Decimal(100))
    state = accounts.replay([opened])
    accounts.check_credit(state, Decimal(40), Decimal(60))
    with pytest.raises(ConflictError):
        accounts.check_credit(state, Decimal("40.01"), Decimal(60))
    changed = accounts.set_limit(state, UUID(int=1), "BDT", None)
    accounts.check_credit(accounts.replay([opened, changed]), Decimal(10**9), Decimal(1))
    accounts.check_credit(None, Decimal(10**9), Decimal(1))
    assert isinstance(opened, CustomerAccountOpened)
    with pytest.raises(TypeError):
        accounts.replay([ledger.post("BDT", DAY, "x", [side("1", "5"), side("2", credit="5")])])


def test_an_invoice_and_its_payment_are_in_the_books(erp: Harness):
    key = issued(erp, supplementaryDutyRate="20")
    (booked,) = erp.ask(ENTRIES, {"w": {"sourceId": key}})["journalEntries"]
    assert (booked["source"], booked["total"], booked["id"]) == ("INVOICE", "138.00", str(ledger.entry_of(UUID(key))))
    assert [(line["account"], line["debit"], line["credit"]) for line in booked["lines"]] == [
        ("1200", "138.00", "0.00"),
        ("4000", "0.00", "100.00"),
        ("2110", "0.00", "20.00"),
        ("2100", "0.00", "18.00"),
    ]
    paid = erp.ask(PAY % uuid4(), {"id": key, "a": "38.00", "m": "MOBILE"})["recordPayment"]
    assert paid["method"] == "MOBILE"
    (booked,) = erp.ask(ENTRIES, {"w": {"sourceId": paid["id"], "source": "PAYMENT"}})["journalEntries"]
    assert [line["account"] for line in booked["lines"]] == ["1020", "1200"]


def test_an_invoice_of_nothing_books_nothing(erp: Harness):
    key = issued(erp, discountPercent="100")
    assert erp.ask(ENTRIES, {"w": {"sourceId": key}}) == {"journalEntries": []}


def test_an_entry_by_hand_is_posted_once_for_its_key_and_reversed(erp: Harness):
    key = str(uuid4())
    made = erp.ask(POST, {**entry(postedOn="2026-05-01"), "k": key}, role="accountant")["postJournalEntry"]
    assert (made["source"], made["sourceId"], made["total"], made["postedOn"]) == (
        "MANUAL",
        made["id"],
        "10.05",
        "2026-05-01",
    )
    assert erp.ask(POST, {**entry(postedOn="2026-05-01"), "k": key})["postJournalEntry"] == made
    assert erp.refusal(POST, {**entry(memo="Other", postedOn="2026-05-01"), "k": key}) == "CONFLICT"
    again = str(uuid4())
    back = erp.ask(REVERSE, {"id": made["id"], "k": again})["reverseJournalEntry"]
    assert (back["source"], back["sourceId"], back["total"]) == ("REVERSAL", made["id"], "10.05")
    assert [(line["account"], line["debit"]) for line in back["lines"]] == [("6000", "0.00"), ("1010", "10.05")]
    assert erp.ask(REVERSE, {"id": made["id"], "k": again})["reverseJournalEntry"]["id"] == back["id"]
    assert erp.refusal(REVERSE, {"id": made["id"]}) == "CONFLICT"
    one = erp.ask("query($id: ID!) { journalEntry(id: $id) { reversedBy } }", {"id": made["id"]})
    assert one == {"journalEntry": {"reversedBy": back["id"]}}
    for other in (back["id"], issued(erp), str(uuid4())):
        assert erp.refusal(REVERSE, {"id": other}) == "NOT_FOUND"


@pytest.mark.parametrize(
    "asked",
    [
        entry({"account": "6000", "debit": "1.00"}, {"account": "1010", "credit": "1.01"}),
        entry({"account": "6000", "debit": "1.00"}, {"account": "unheard", "credit": "1.00"}),
        entry({"account": "6000", "debit": "1.00"}),
        entry({"account": "6000"}, {"account": "1010"}),
        entry({"account": "6000", "debit": "1.001"}, {"account": "1010", "credit": "1.001"}),
        entry(currency="taka"),
        entry(currency="bdt"),
        entry(memo=" "),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused(erp: Harness, asked: dict[str, Any]):
    assert erp.refusal(POST, asked) == "BAD_USER_INPUT"


def test_accounts_of_the_chart_can_be_booked_on(erp: Harness):
    code = erp.ask("{ ledgerAccounts(limit: 1) { code } }")["ledgerAccounts"][0]["code"]
    lines = [{"account": code, "debit": "1.00"}, {"account": "1010", "credit": "1.00"}]
    assert erp.ask(POST, entry(*lines))["postJournalEntry"]["total"] == "1.00"


def test_debits_and_credits_have_the_same_sum_and_the_customers_owe_what_the_books_say(erp: Harness):
    issued(erp)
    lines = erp.ask(TRIAL, {"c": "BDT"})["trialBalance"]
    assert sum(Decimal(line["debit"]) for line in lines) == sum(Decimal(line["credit"]) for line in lines) > 0
    (owed,) = erp.sql("SELECT sum(balance) AS n FROM account_balance WHERE currency = 'BDT'")
    assert [Decimal(line["debit"]) - Decimal(line["credit"]) for line in lines if line["account"] == "1200"] == [
        owed["n"]
    ]
    assert erp.ask(TRIAL, {"c": "USD"}) == {"trialBalance": []}


def test_a_customer_does_not_come_to_owe_more_than_it_may(erp: Harness):
    customer = str(uuid4())
    assert erp.ask(LIMIT, {"c": customer, "l": "200.00"})["setCreditLimit"] == {
        "creditLimit": "200.00",
        "balance": "0.00",
    }
    issued(erp, customer)
    with pytest.raises(AssertionError, match=r"may owe 200\.00"):
        issued(erp, customer)
    assert erp.ask(LIMIT, {"c": customer, "l": "230.00"})["setCreditLimit"]["creditLimit"] == "230.00"
    issued(erp, customer)
    assert erp.ask(LIMIT, {"c": customer})["setCreditLimit"] == {"creditLimit": None, "balance": "230.00"}
    issued(erp, customer)
    assert erp.refusal(LIMIT, {"c": customer, "l": "-1"}) == "BAD_USER_INPUT"
    assert erp.refusal(LIMIT, {"c": customer, "l": "1"}, role="clerk") == "FORBIDDEN"


def test_references_of_entries_resolve(erp: Harness):
    refs = [{"__typename": "JournalEntry", "id": str(key)} for key in (sample_id("JournalEntry", 10), uuid4())]
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on JournalEntry { memo } } }"
    assert erp.ask(query, {"r": refs})["_entities"] == [{"memo": "Bank charges 11"}, None]
    assert erp.graphql(query, {"r": refs[:1]}, role="clerk")["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_line_view SET debit = debit + 0.01 WHERE debit > 0 AND line_number = 1",
        "DELETE FROM journal_line_view WHERE line_number = 1",
        "DELETE FROM journal_line_view",
        "UPDATE journal_entry_view SET total = total + 1",
        "INSERT INTO journal_line_view SELECT entry_id, 99, account, debit, credit FROM journal_line_view WHERE line_number = 1",
        "INSERT INTO journal_entry_view SELECT gen_random_uuid(), source, id, 'BDT', posted_on, memo, 1, recorded_at FROM journal_entry_view",
    ],
)
def test_the_database_refuses_what_does_not_balance_whoever_writes_it(erp: Harness, statement: str):
    with pytest.raises(Exception, match="does not balance"):
        erp.sql(statement)


def test_the_database_lets_a_whole_entry_go_and_come(erp: Harness):
    erp.sql(
        "DO $$ DECLARE one uuid := (SELECT id FROM journal_entry_view WHERE source = 'MANUAL' LIMIT 1); BEGIN "
        "UPDATE journal_line_view SET debit = debit * 2, credit = credit * 2 WHERE entry_id = one; "
        "UPDATE journal_entry_view SET total = total * 2 WHERE id = one; "
        "UPDATE journal_line_view SET debit = debit / 2, credit = credit / 2 WHERE entry_id = one; "
        "UPDATE journal_entry_view SET total = total / 2 WHERE id = one; END $$"
    )
