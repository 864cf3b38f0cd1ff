# ruff: noqa: RUF001 - Bangla digits are what is printed
"""Value added tax and supplementary duty: cases worked out by hand, and what may not be on the way."""

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certify_stack.erp.finance import money, printing, tax
from certify_stack.erp.finance.printing import Language
from certify_stack.erp.finance.tax import Amounts, Terms, Treatment

TAXABLE, ZERO_RATED, EXEMPT = Treatment.TAXABLE, Treatment.ZERO_RATED, Treatment.EXEMPT


def D(text: str) -> Decimal:  # noqa: N802 - as short as the digits that it is written beside
    return Decimal(text)


def terms(rate: str, duty: str = "0", *, inclusive: bool = False) -> Terms:
    return Terms(D(rate), tax.treatment_of(D(rate)), D(duty), inclusive)


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "net", "vat"),
    [
        ("1", "100.00", "15", "100.00", "15.00"),
        ("3", "0.35", "10", "1.05", "0.11"),
        ("1", "0.07", "7.5", "0.07", "0.01"),
        ("0.125", "0.36", "5", "0.05", "0.00"),
        ("2", "10.05", "7.5", "20.10", "1.51"),
        ("1", "0.10", "5", "0.10", "0.01"),
        ("1", "99.99", "0", "99.99", "0.00"),
        # Half a poisha exactly: half-even and binary floating point both give one less.
        ("1", "0.70", "15", "0.70", "0.11"),
        ("1", "2.10", "5", "2.10", "0.11"),
        ("1", "4.20", "7.5", "4.20", "0.32"),
        # More digits than binary floating point holds, and than the default context of decimals.
        ("1", "999999999999999.99", "15", "999999999999999.99", "150000000000000.00"),
        ("999999999999.999", "9999.99", "7.5", "9999989999999990.00", "749999249999999.25"),
    ],
)
def test_prices_without_tax(quantity: str, price: str, rate: str, net: str, vat: str):
    sums = tax.amounts(tax.price_of(D(quantity), D(price)), money.ZERO, terms(rate))
    assert (sums.net, sums.duty, sums.vat, sums.gross) == (D(net), 0, D(vat), D(net) + D(vat))


@pytest.mark.parametrize(
    ("net", "duty_rate", "rate", "duty", "vat"),
    [
        ("100.00", "20", "15", "20.00", "18.00"),
        ("100.00", "500", "15", "500.00", "90.00"),
        ("0.05", "10", "10", "0.01", "0.01"),
        ("33.33", "45", "7.5", "15.00", "3.62"),
        ("33.33", "45", "0", "15.00", "0.00"),
    ],
)
def test_tax_is_charged_on_the_value_and_the_duty(net: str, duty_rate: str, rate: str, duty: str, vat: str):
    sums = tax.amounts(D(net), money.ZERO, terms(rate, duty_rate))
    assert (sums.net, sums.duty, sums.vat) == (D(net), D(duty), D(vat))


@pytest.mark.parametrize(
    ("price", "duty_rate", "rate", "parts"),
    [
        ("115.00", "0", "15", ("100.00", "0.00", "15.00")),
        ("138.00", "20", "15", ("100.00", "20.00", "18.00")),
        ("100.00", "0", "15", ("86.96", "0.00", "13.04")),
        ("100.00", "0", "7.5", ("93.02", "0.00", "6.98")),
        ("0.01", "0", "15", ("0.01", "0.00", "0.00")),
        ("100.00", "0", "0", ("100.00", "0.00", "0.00")),
    ],
)
def test_prices_with_tax_lose_no_poisha(price: str, duty_rate: str, rate: str, parts: tuple[str, str, str]):
    sums = tax.amounts(D(price), money.ZERO, terms(rate, duty_rate, inclusive=True))
    assert tuple(map(str, (sums.net, sums.duty, sums.vat))) == parts
    assert sums.gross == D(price)


def test_a_discount_comes_off_before_duty_and_tax():
    assert tax.discount_of(D("200.10"), D("7.5")) == D("15.01")
    assert tax.amounts(D("200.00"), D("100.00"), terms("15", "20")) == Amounts(D(100), D(100), D(20), D(18))
    assert tax.amounts(D("200.00"), D("62.00"), terms("15", "20", inclusive=True)).net == D(100)
    assert tax.amounts(D("200.00"), D("200.00"), terms("15", "20")).gross == 0


@pytest.mark.parametrize(
    ("rate", "treatment", "duty", "told"),
    [
        ("15", TAXABLE, "0", ""),
        ("7.50", TAXABLE, "500", ""),
        ("0", ZERO_RATED, "0", ""),
        ("0", EXEMPT, "0", ""),
        ("0", TAXABLE, "0", "none of 5, 7.5, 10, 15"),
        ("12", TAXABLE, "0", "none of"),
        ("15", ZERO_RATED, "0", "is not 0"),
        ("5", EXEMPT, "0", "is not 0"),
        ("15", TAXABLE, "500.01", "not between 0 and 500"),
        ("15", TAXABLE, "-1", "not between 0 and 500"),
    ],
)
def test_which_terms_there_are(rate: str, treatment: Treatment, duty: str, told: str):
    problem = tax.problem_of(Terms(D(rate), treatment, D(duty)))
    assert told in problem
    assert bool(told) is bool(problem)


def test_an_invoice_is_the_sum_of_its_lines():
    line = tax.amounts(D("1.05"), money.ZERO, terms("10"))
    assert tax.total([line, line]).vat == D("0.22")
    assert tax.total([]) == Amounts(money.ZERO, money.ZERO, money.ZERO, money.ZERO)


SAME_EACH_TIME = settings(derandomize=True, database=None, deadline=None)
cents = st.integers(0, 10**16).map(lambda number: Decimal(number).scaleb(-2))
rates = st.sampled_from([D(rate) for rate in ("0", "5", "7.5", "10", "15")])
duties = st.integers(0, 50_000).map(lambda number: Decimal(number).scaleb(-2))


def rounded(value: Fraction) -> Fraction:
    return Fraction(int(value * 100 + Fraction(1, 2)), 100)


@SAME_EACH_TIME
@given(cents, rates, duties)
def test_any_price_without_tax_is_what_fractions_say(price: Decimal, rate: Decimal, duty_rate: Decimal):
    sums = tax.amounts(price, money.ZERO, Terms(rate, tax.treatment_of(rate), duty_rate))
    duty = rounded(Fraction(price) * Fraction(duty_rate) / 100)
    assert Fraction(sums.duty) == duty
    assert Fraction(sums.vat) == rounded((Fraction(price) + duty) * Fraction(rate) / 100)


@SAME_EACH_TIME
@given(cents, rates, duties)
def test_any_price_with_tax_is_what_fractions_say(price: Decimal, rate: Decimal, duty_rate: Decimal):
    sums = tax.amounts(price, money.ZERO, Terms(rate, tax.treatment_of(rate), duty_rate, inclusive=True))
    vat = rounded(Fraction(price) * Fraction(rate) / (100 + Fraction(rate)))
    assert Fraction(sums.vat) == vat
    assert Fraction(sums.duty) == rounded((Fraction(price) - vat) * Fraction(duty_rate) / (100 + Fraction(duty_rate)))
    assert sums.gross == price


@pytest.mark.parametrize("wrong", [1.0, 0.1, 1, "1.00", None, float("nan"), D("NaN"), D("Infinity"), True])
def test_whatever_is_no_exact_decimal_is_refused_at_every_place(wrong: Any):
    right = D("1.00")
    for call in (
        lambda: money.to_cents(wrong),
        lambda: tax.price_of(wrong, right),
        lambda: tax.price_of(right, wrong),
        lambda: tax.discount_of(wrong, right),
        lambda: tax.amounts(wrong, right, terms("15")),
        lambda: tax.amounts(right, wrong, terms("15")),
        lambda: tax.amounts(right, money.ZERO, Terms(wrong, TAXABLE)),
        lambda: tax.amounts(right, money.ZERO, Terms(D("15"), TAXABLE, wrong, inclusive=True)),
        lambda: printing.printed(wrong, "BDT"),
    ):
        with pytest.raises(TypeError, match="exact Decimal"):
            call()


def test_no_module_of_finance_makes_or_names_a_float():
    package = Path(tax.__file__).parent
    found = {
        f"{file.name}:{node.lineno}"
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    }
    assert found == set()


@pytest.mark.parametrize(
    ("amount", "english", "bangla"),
    [
        ("0", "BDT 0.00", "৳ ০.০০"),
        ("999.995", "BDT 1,000.00", "৳ ১,০০০.০০"),
        ("12345.6", "BDT 12,345.60", "৳ ১২,৩৪৫.৬০"),
        ("100000", "BDT 1,00,000.00", "৳ ১,০০,০০০.০০"),
        ("12345678.90", "BDT 1,23,45,678.90", "৳ ১,২৩,৪৫,৬৭৮.৯০"),
        ("-1234567", "BDT -12,34,567.00", "৳ -১২,৩৪,৫৬৭.০০"),
        ("9999999999999999.99", "BDT 9,99,99,99,99,99,99,999.99", "৳ ৯,৯৯,৯৯,৯৯,৯৯,৯৯,৯৯,৯৯৯.৯৯"),
    ],
)
def test_amounts_are_printed_by_lakh_and_crore(amount: str, english: str, bangla: str):
    assert printing.printed(D(amount), "BDT") == english
    assert printing.printed(D(amount), "BDT", Language.BANGLA) == bangla


def test_another_currency_keeps_its_code():
    assert printing.printed(D("5"), "USD", Language.BANGLA) == "USD ৫.০০"
