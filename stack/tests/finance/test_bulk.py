"""Files of invoices: all rows or none, once, and in the books as if each had been drawn up and sent by hand."""

import hashlib
import json
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from erp_harness import USER_ID, Harness

from certify_stack.erp.finance import bulk, rebuild
from certify_stack.erp.finance.bulk_rows import Drawn, Given, Seen, draw, over_limit
from certify_stack.erp.finance.rows import TABLES
from certify_stack.erp.samples import sample_id

COUNTS = {
    "events": "SELECT count(*) AS n FROM events",
    "links": "SELECT count(*) AS n FROM imported_invoice",
    "outbox": "SELECT count(*) AS n FROM outbox",
    **{table: f"SELECT count(*) AS n FROM {table}" for table in TABLES},  # noqa: S608 - constant names
}
DIGEST = "SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) AS d FROM {} AS t"


def row(line: int, **changes: str) -> list[Any]:
    good = {
        "reference": f"R-{uuid4().hex[:12]}-{line}",
        "customer_id": str(sample_id("Customer", line % 50)),
        "currency": "BDT",
        "product_id": str(sample_id("Product", 3)),
        "description": "Rice \\ 'fine'\t\u09e7",
        "quantity": "3",
        "unit_price": "33.33",
        "vat_rate": "7.5",
        "due_on": "2026-02-28",
    }
    return [line, "", *(good | changes).values()]


def rows(count: int) -> list[list[Any]]:
    return [row(line) for line in range(2, count + 2)]


def send(
    erp: Harness, given: list[list[Any]], sha256: str = "", role: str = "service", claimed: int | None = None
) -> httpx.Response:
    batches = [given[first : first + 3] for first in range(0, len(given), 3)]
    end = {"rows": len(given) if claimed is None else claimed}
    body = "\n".join(json.dumps(line) for line in [*batches, end]).encode()
    asked = {"id": str(uuid4()), "sha256": sha256 or hashlib.sha256(body).hexdigest(), "actor": USER_ID}
    headers = {"authorization": f"Bearer {erp.token(role)}"}
    return erp.post("/invoice-imports", params=asked, content=body, headers=headers)


def counts(erp: Harness) -> dict[str, int]:
    return {name: erp.sql(query)[0]["n"] for name, query in COUNTS.items()}


def grown(erp: Harness, before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in counts(erp).items() if count != before[name]}


def digests(erp: Harness, schema: str) -> list[str]:
    return [erp.sql(DIGEST.format(f"{schema}.{table}"))[0]["d"] for table in TABLES]


def test_all_rows_become_invoices_and_a_replay_makes_the_same_of_them(erp: Harness):
    before = counts(erp)
    answer = send(erp, rows(10)).json()
    # 3 * 33.33 = 99.99, and 7.5 % of that is 7.49925.
    sums = {name: answer[name] for name in ("net", "vat", "gross")}
    assert (answer["state"], answer["invoices"]) == ("imported", 10)
    assert sums == {"net": "999.90", "vat": "75.00", "gross": "1074.90"}
    changes = grown(erp, before)
    assert {name: changes[name] for name in ("events", "links", "invoice_view", "outbox")} == {
        "events": 20,
        "links": 10,
        "invoice_view": 10,
        "outbox": 1,
    }
    assert (changes["journal_entry_view"], changes["journal_line_view"]) == (10, 30)
    erp.run(rebuild.rebuild(erp.settings.database_dsn, "shadow"))
    assert digests(erp, "public") == digests(erp, "shadow")
    (events,) = erp.sql("SELECT count(*) AS n, max(position) AS last, min(position) AS first FROM events")
    assert (events["first"], events["last"]) == (1, events["n"])
    assert erp.sql("SELECT position FROM projection_checkpoint")[0]["position"] == events["last"]


def test_an_imported_invoice_is_what_single_commands_make(erp: Harness):
    given = row(2)
    assert send(erp, [given]).json()["state"] == "imported"
    line = {"productId": given[5], "description": given[6], "quantity": "3", "unitPrice": "33.33", "vatRate": "7.5"}
    single = erp.ask(
        "mutation($i: CreateInvoiceInput!) { createInvoice(input: $i) { id } }",
        {"i": {"customerId": given[3], "currency": "BDT", "lines": [line]}},
    )["createInvoice"]["id"]
    erp.ask('mutation($id: ID!) { issueInvoice(id: $id, dueOn: "2099-01-01") { id } }', {"id": single})
    (found,) = erp.sql("SELECT invoice_id FROM imported_invoice WHERE reference = $1", given[2])
    seen = "query($id: ID!) { invoice(id: $id) { status net vat gross paid version lines { description net vat } } }"
    alike = [erp.ask(seen, {"id": str(key)}) for key in (found["invoice_id"], single)]
    assert alike[0] == alike[1]
    booked = """
        query($w: JournalEntriesWhere!) { journalEntries(where: $w) { total lines { account debit credit } } }
    """
    entries = [erp.ask(booked, {"w": {"sourceId": str(key)}}) for key in (found["invoice_id"], single)]
    assert entries[0] == entries[1]
    assert entries[0]["journalEntries"]
    paid = 'mutation($id: ID!) { recordPayment(invoiceId: $id, amount: "107.49", idempotencyKey: "b") { id } }'
    assert erp.ask(paid, {"id": str(found["invoice_id"])})["recordPayment"]


def test_bad_rows_are_named_and_nothing_is_imported(erp: Harness):
    given = rows(12)
    given[4] = row(6, vat_rate="14")
    given[9] = [11, "there are 3 fields, not 9"]
    given[10] = row(12, reference=given[1][2])
    before = counts(erp)
    answer = send(erp, given).json()
    assert (answer["state"], answer["refused"]) == ("refused", 3)
    assert [(one["line"], one["reason"]) for one in answer["refusals"]] == [
        (6, "vatRate of a taxable line is none of 5, 7.5, 10, 15"),
        (11, "there are 3 fields, not 9"),
        (12, "reference stands in line 3 already"),
    ]
    assert grown(erp, before) == {}


def test_the_same_content_has_one_effect(erp: Harness):
    given = rows(4)
    first = send(erp, given, "a" * 64).json()
    before = counts(erp)
    again = send(erp, given, "a" * 64).json()
    assert (first["state"], again["state"]) == ("imported", "known")
    assert [first[name] for name in ("import_id", "gross", "invoices")] == [
        again[name] for name in ("import_id", "gross", "invoices")
    ]
    # Another file with the same invoices in it is no way around that.
    other = send(erp, given, "b" * 64).json()
    assert {one["reason"] for one in other["refusals"]} == {"an invoice with this reference was imported before"}
    assert grown(erp, before) == {}


def test_a_stream_that_lost_rows_has_no_effect(erp: Harness):
    before = counts(erp)
    answer = send(erp, rows(5), claimed=6)
    assert (answer.status_code, answer.json()["message"]) == (422, "5 rows arrived of 6")
    assert send(erp, []).json()["message"] == "the file has no row besides its header"
    assert grown(erp, before) == {}


def test_no_file_is_too_large_for_the_books(erp: Harness, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "MOST_ROWS", 5)
    assert send(erp, rows(6)).json()["message"] == "a file has at most 5 rows"


def test_what_a_customer_may_owe_holds_for_files_too(erp: Harness):
    customer = str(uuid4())
    limit = (
        'mutation($c: ID!) { setCreditLimit(customerId: $c, currency: "BDT", creditLimit: "250.00") { creditLimit } }'
    )
    erp.ask(limit, {"c": customer})
    given = [row(line, customer_id=customer) for line in (2, 3, 4)]
    before = counts(erp)
    answer = send(erp, given).json()
    assert answer["refusals"] == [{"line": 4, "reason": "the customer would owe 322.47, and may owe 250.00"}]
    assert grown(erp, before) == {}
    assert send(erp, given[:2]).json()["state"] == "imported"


def test_only_services_import(erp: Harness):
    for role in ("accountant", "clerk", "auditor"):
        assert send(erp, rows(1), role=role).status_code == 403


def test_what_became_of_a_file_is_read_from_the_books(erp: Harness):
    given = rows(5)
    sha256 = "c" * 64
    send(erp, given, sha256)
    headers = {"authorization": f"Bearer {erp.token('service')}"}
    *batches, end = [json.loads(line) for line in erp.get(f"/invoice-imports/{sha256}", headers=headers).text.split()]
    found = [one for batch in batches for one in batch]
    assert [one[:2] for one in found] == [one[:1] + one[2:3] for one in given]
    assert sum(Decimal(one[-1]) for one in found) == Decimal("537.45")
    assert end == {"rows": 5}
    assert erp.get(f"/invoice-imports/{'d' * 64}", headers=headers).status_code == 404
    lines = erp.get("/invoice-export?currency=BDT", headers=headers).text.split("\n")
    assert json.loads(lines[-2])["rows"] == erp.sql("SELECT count(*) AS n FROM invoice_view")[0]["n"]


BAD = {
    "reference": ("=1+1", "reference is not 1 to 60 letters"),
    "customer_id": ("7", "customer_id is not a UUID"),
    "currency": ("taka", "currency is not a code"),
    "product_id": ("", "product_id is not a UUID"),
    "description": (" ", "description is blank"),
    "quantity": ("0", "quantity is not above zero"),
    "unit_price": ("1,5", "unit_price is no decimal number"),
    "vat_rate": ("15.001", "vat_rate has more than 2 decimals"),
    "due_on": ("20260131", "due_on is no day"),
    "treatment": ("FREE", "treatment is none of"),
    "duty_rate": ("501", "supplementaryDutyRate is not between"),
    "discount": ("1000", "discount is more than the price"),
    "prices_include_tax": ("yes", "prices_include_tax is neither"),
    "gross": ("107.48", "gross is 107.48 in the file, and comes to 107.49"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_field_has_its_rule(name: str):
    value, reason = BAD[name]
    line, readable, *fields = row(2)
    given = Given(line, readable, *fields)
    good = draw(given, Seen())
    assert isinstance(good, Drawn)
    assert good.created.gross == Decimal("107.49")
    bad = draw(
        Given(line, readable, **dict(zip(Given.__struct_fields__[2:], fields, strict=False)) | {name: value}), Seen()
    )
    assert not isinstance(bad, Drawn)
    assert bad.reason.startswith(reason)


def test_a_row_that_does_not_fit_leaves_room_for_a_smaller_one():
    customer = UUID(int=1)
    asked = [
        (2, customer, Decimal(90)),
        (3, customer, Decimal(20)),
        (4, customer, Decimal(10)),
        (5, UUID(int=2), Decimal(9)),
    ]
    assert [one.line for one in over_limit(asked, {}, {customer: Decimal(100)})] == [3]
