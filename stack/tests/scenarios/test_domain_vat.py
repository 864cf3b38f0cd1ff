"""Value added tax and supplementary duty: a table of cases, worked out by fractions and asked of the running stack."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.scenario("vat")

CREATE = """
mutation ($input: CreateInvoiceInput!) {
  createInvoice(input: $input) {
    discount net supplementaryDuty vat gross lines { treatment discount net supplementaryDuty vat gross }
  }
}
"""
PARTS = ("discount", "net", "supplementaryDuty", "vat", "gross")
RATES = ("15", "10", "7.5", "5", "0")
# 15 % of 0.70, 5 % of 2.10 and 7.5 % of 4.60 are half a poisha exactly; the rest is ordinary, large or small.
PRICES = (
    ("1", "0.70"),
    ("1", "2.10"),
    ("1", "4.60"),
    ("3", "0.35"),
    ("0.125", "0.36"),
    ("7", "33.33"),
    ("12.5", "1250.05"),
    ("1", "98765432.10"),
)
DUTIES = ("0", "20", "45.50")
DISCOUNTS = ({"discountPercent": "3.33"}, {"discountPercent": "50"}, {"discount": "0.01"}, {"discountPercent": "100"})


class Case(NamedTuple):
    """One line: how much of what, at which price and rates, and with which discount."""

    quantity: str
    price: str
    rate: str
    duty: str
    inclusive: bool
    discount: dict[str, str]


def cases(rate: str, inclusive: bool) -> Iterator[Case]:  # noqa: FBT001 - a column of the table
    for quantity, price in PRICES:
        for duty in DUTIES:
            yield Case(quantity, price, rate, duty, inclusive, {})
    for discount in DISCOUNTS:
        yield Case("4", "99.99", rate, "20", inclusive, discount)


def half_up(value: Fraction) -> Fraction:
    """Two places, halves away from zero; nothing here is negative."""
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


def expected(case: Case) -> dict[str, Fraction]:
    """What the law and the stated rounding make of a line: duty on the value, tax on value and duty."""
    price = half_up(Fraction(case.quantity) * Fraction(case.price))
    percent = Fraction(case.discount.get("discountPercent", "0"))
    discount = Fraction(case.discount["discount"]) if "discount" in case.discount else half_up(price * percent / 100)
    charged, rate, duty_rate = price - discount, Fraction(case.rate), Fraction(case.duty)
    if case.inclusive:
        vat = half_up(charged * rate / (100 + rate))
        duty = half_up((charged - vat) * duty_rate / (100 + duty_rate))
        net = charged - vat - duty
    else:
        net, duty = charged, half_up(charged * duty_rate / 100)
        vat = half_up((net + duty) * rate / 100)
    return dict(zip(PARTS, (discount, net, duty, vat, net + duty + vat), strict=True))


def line(case: Case, product: str, **more: str) -> dict[str, str]:
    given = {"productId": product, "description": "Case", "quantity": case.quantity, "unitPrice": case.price}
    return {**given, "vatRate": case.rate, "supplementaryDutyRate": case.duty, **case.discount, **more}


def differences(table: list[Case], invoice: dict[str, Any]) -> list[str]:
    """What was answered otherwise than it should be; amounts must be texts with two places."""
    found = []
    wanted = [expected(case) for case in table]
    for case, want, line in zip(table, wanted, invoice["lines"], strict=True):
        got = {part: line[part] for part in PARTS}
        if got != {part: f"{Decimal(want[part].numerator) / want[part].denominator:.2f}" for part in PARTS}:
            found.append(f"{case}: {got}")
    sums = {part: sum((want[part] for want in wanted), Fraction(0)) for part in PARTS}
    if {part: Fraction(invoice[part]) for part in PARTS} != sums:
        found.append(f"sums: {invoice}")
    return found


TABLES = [(rate, inclusive) for rate in RATES for inclusive in (False, True)]


def test_there_are_enough_cases_of_each_rate() -> None:
    counts = {rate: sum(len(list(cases(rate, inclusive))) for inclusive in (False, True)) for rate in RATES}
    assert min(counts.values()) >= 40
    assert sum(counts.values()) >= 200


@pytest.mark.parametrize(("rate", "inclusive"), TABLES)
def test_every_case_is_what_fractions_say(business: Any, rate: str, inclusive: bool) -> None:  # noqa: FBT001 - the table
    table = list(cases(rate, inclusive))
    product = business.known["products"][0]["id"]
    lines = [line(case, product) for case in table]
    given = {"customerId": business.customer["id"], "lines": lines, "pricesIncludeTax": inclusive}
    invoice = business.gateway.query(CREATE, business.user("clerk"), input=given)["createInvoice"]
    assert differences(table, invoice) == []


@pytest.mark.notices("amount")
@pytest.mark.parametrize("inclusive", [False, True])
def test_exempt_supplies_bear_duty_and_no_tax(business: Any, inclusive: bool) -> None:  # noqa: FBT001 - the table
    table = list(cases("0", inclusive))
    product = business.known["products"][0]["id"]
    lines = [line(case, product, treatment="EXEMPT") for case in table]
    given = {"customerId": business.customer["id"], "lines": lines, "pricesIncludeTax": inclusive}
    invoice = business.gateway.query(CREATE, business.user("clerk"), input=given)["createInvoice"]
    assert differences(table, invoice) == []
    assert {one["treatment"] for one in invoice["lines"]} == {"EXEMPT"}


@pytest.mark.parametrize(
    "wrong", [{"vatRate": "12"}, {"vatRate": "15.01"}, {"treatment": "EXEMPT"}, {"supplementaryDutyRate": "501"}]
)
def test_a_rate_that_the_law_does_not_know_is_refused(business: Any, wrong: dict[str, str]) -> None:
    lines = [line(Case("1", "1.00", "15", "0", inclusive=False, discount={}), business.known["products"][0]["id"])]
    given = {"customerId": business.customer["id"], "lines": [{**lines[0], **wrong}]}
    answer = business.gateway.answer(CREATE, business.user("clerk"), input=given)
    assert [error["extensions"]["code"] for error in answer.errors] == ["BAD_USER_INPUT"]
