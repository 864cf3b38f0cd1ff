"""Tax through GraphQL: as it is asked for, stored, rebuilt and printed, exact to the last poisha."""

from decimal import Decimal
from typing import Any

import pytest
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = """
mutation($i: CreateInvoiceInput!) {
  createInvoice(input: $i) {
    id pricesIncludeTax discount net supplementaryDuty vat gross grossPrinted bangla: grossPrinted(language: BANGLA)
    lines { treatment vatRate supplementaryDutyRate quantity unitPrice discount net supplementaryDuty vat gross }
  }
}
"""
STORED = "SELECT t::text AS line FROM invoice_view AS t WHERE id = $1::text::uuid"
TYPES = """
    SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type IN ('real', 'double precision', 'money')
"""


def line(**changes: object) -> dict[str, object]:
    given = {"productId": str(sample_id("Product", 1)), "description": "Rice", "quantity": "1", "unitPrice": "100.00"}
    return {**given, "vatRate": "15", **changes}


def asked(*lines: dict[str, object], **changes: object) -> dict[str, Any]:
    return {"i": {"customerId": str(sample_id("Customer", 40)), "lines": list(lines), **changes}}


def made(erp: Harness, *lines: dict[str, object], **changes: object) -> dict[str, Any]:
    invoice = erp.ask(CREATE, asked(*lines, **changes))["createInvoice"]
    for name in ("discount", "net", "supplementaryDuty", "vat", "gross"):
        assert Decimal(invoice[name]) == sum(Decimal(one[name]) for one in invoice["lines"])
    return invoice


def parts(entry: dict[str, str]) -> tuple[str, ...]:
    return tuple(entry[name] for name in ("discount", "net", "supplementaryDuty", "vat", "gross"))


def test_duty_comes_before_tax_and_a_discount_before_both(erp: Harness):
    invoice = made(
        erp,
        line(supplementaryDutyRate="20"),
        line(quantity="2", discountPercent="50", supplementaryDutyRate="20", vatRate="7.5"),
        line(discount="0.01", vatRate="10"),
    )
    assert [parts(one) for one in invoice["lines"]] == [
        ("0.00", "100.00", "20.00", "18.00", "138.00"),
        ("100.00", "100.00", "20.00", "9.00", "129.00"),
        ("0.01", "99.99", "0.00", "10.00", "109.99"),
    ]
    assert parts(invoice) == ("100.01", "299.99", "40.00", "37.00", "376.99")
    assert (invoice["pricesIncludeTax"], invoice["grossPrinted"], invoice["bangla"]) == (
        False,
        "BDT 376.99",
        "৳ ৩৭৬.৯৯",
    )


def test_prices_that_include_tax_are_what_is_paid(erp: Harness):
    invoice = made(erp, line(unitPrice="138.00", supplementaryDutyRate="20"), line(), pricesIncludeTax=True)
    assert [parts(one) for one in invoice["lines"]] == [
        ("0.00", "100.00", "20.00", "18.00", "138.00"),
        ("0.00", "86.96", "0.00", "13.04", "100.00"),
    ]
    assert (invoice["pricesIncludeTax"], invoice["gross"]) == (True, "238.00")


def test_exempt_and_zero_rated_are_told_apart(erp: Harness):
    invoice = made(erp, line(vatRate="0"), line(vatRate="0", treatment="EXEMPT"), line(treatment="TAXABLE"))
    assert [one["treatment"] for one in invoice["lines"]] == ["ZERO_RATED", "EXEMPT", "TAXABLE"]
    assert [one["vat"] for one in invoice["lines"]] == ["0.00", "0.00", "15.00"]


@pytest.mark.parametrize(
    "changes",
    [
        {"treatment": "EXEMPT"},
        {"vatRate": "0", "treatment": "TAXABLE"},
        {"supplementaryDutyRate": "500.01"},
        {"supplementaryDutyRate": "-1"},
        {"supplementaryDutyRate": "1.005"},
        {"discount": "100.01"},
        {"discount": "0.001"},
        {"discountPercent": "101"},
        {"discount": "1", "discountPercent": "1"},
        {"unitPrice": 100.0},
        {"unitPrice": 100},
        {"unitPrice": "1e2"},
        {"unitPrice": "NaN"},
        {"unitPrice": "১০০"},
    ],
)
def test_what_is_no_exact_amount_or_breaks_a_rule_is_refused(erp: Harness, changes: dict[str, object]):
    before = erp.sql("SELECT count(*) AS n FROM events")[0]["n"]
    assert erp.graphql(CREATE, asked(line(**changes)))["errors"]
    assert erp.sql("SELECT count(*) AS n FROM events")[0]["n"] == before


def test_amounts_that_floats_cannot_hold_come_back_exact(erp: Harness):
    # float("9007199254740993.01") is 9007199254740992.0; float("0.70") * 15 / 100 rounds to 0.10.
    invoice = made(erp, line(quantity="10", unitPrice="900719925474099.33", vatRate="0"), line(unitPrice="0.70"))
    assert [one["net"] for one in invoice["lines"]] == ["9007199254740993.30", "0.70"]
    assert (invoice["vat"], invoice["gross"]) == ("0.11", "9007199254740994.11")
    assert invoice["grossPrinted"] == "BDT 9,00,71,99,25,47,40,994.11"
    (row,) = erp.sql(STORED, invoice["id"])
    assert "9007199254740994.11" in row["line"]
    (event,) = erp.sql("SELECT data->>'net' AS net FROM events WHERE stream_id = $1::text::uuid", invoice["id"])
    assert event["net"] == "9007199254740994.00"


def test_no_amount_is_stored_or_told_as_a_float(erp: Harness):
    assert erp.sql(TYPES) == []
    sdl = erp.ask("{ _service { sdl } }", role="service")["_service"]["sdl"]
    assert "Float" not in sdl
    assert erp.sql("SELECT 1 FROM events WHERE data::text ~ '[:,\\[ ][0-9]+[.eE][0-9]'") == []
