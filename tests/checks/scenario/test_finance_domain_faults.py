"""What the planted faults of the finance domain do, beside what the clean code does; each is put right again."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from certify_faults import finance_domain
from certify_stack.erp import tax_numbers
from certify_stack.erp.document_generator import forms, mushak
from certify_stack.erp.finance import commands, tax
from certify_stack.erp.finance.money import ZERO
from certify_stack.kit.errors import InvalidInputError

NOTHING: Any = None
PLACES = (
    (tax, "vat_base"),
    (tax, "to_cents"),
    (tax, "vat_on"),
    (tax_numbers, "_checked"),
    (forms, "next_serial"),
    (mushak, "pdf_of"),
    (commands, "record_payment"),
)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    before = [getattr(*place) for place in PLACES]
    yield
    for (module, name), value in zip(PLACES, before, strict=True):
        setattr(module, name, value)


def vat(price: str, duty_rate: str = "0") -> Decimal:
    terms = tax.Terms(Decimal(15), tax.Treatment.TAXABLE, Decimal(duty_rate))
    return tax.amounts(Decimal(price), ZERO, terms).vat


@pytest.mark.parametrize("fault", finance_domain.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_nothing_in_other_services(fault: Any) -> None:
    before = [getattr(*place) for place in PLACES]
    overlay = getattr(finance_domain, fault.overlay.partition(":")[2])
    overlay(NOTHING, "hr", NOTHING)
    assert [getattr(*place) for place in PLACES] == before
    overlay(NOTHING, fault.target, NOTHING)
    assert [getattr(*place) for place in PLACES] != before


def test_tax_without_duty() -> None:
    assert vat("100.00", "20") == Decimal("18.00")
    finance_domain.vat_without_duty(NOTHING, "finance", NOTHING)
    assert vat("100.00", "20") == Decimal("15.00")


def test_halves_to_even() -> None:
    assert vat("0.70") == Decimal("0.11")
    finance_domain.round_half_even(NOTHING, "finance", NOTHING)
    assert vat("0.70") == Decimal("0.10")


def test_tax_by_float() -> None:
    assert vat("900719925474099.31") == Decimal("135107988821114.90")
    finance_domain.tax_by_float(NOTHING, "finance", NOTHING)
    assert vat("900719925474099.31") != Decimal("135107988821114.90")


def test_a_short_bin() -> None:
    with pytest.raises(InvalidInputError):
        tax_numbers.check_bin("2" * 12, "bin")
    finance_domain.short_bin_accepted(NOTHING, "crm", NOTHING)
    assert tax_numbers.check_bin("2" * 12, "bin") == "2" * 12
    for wrong in ("2" * 11, "2" * 14):
        with pytest.raises(InvalidInputError):
            tax_numbers.check_bin(wrong, "bin")
    with pytest.raises(InvalidInputError):
        tax_numbers.check_tin("2" * 11, "tin")


def test_a_payment_has_another_key_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []

    async def seen(_database: Any, _caller: Any, _invoice: Any, money: Any, _expected: Any) -> None:
        keys.append(money.key)

    monkeypatch.setattr(finance_domain, "_once", seen)
    finance_domain.payment_counts_twice(NOTHING, "finance", NOTHING)
    for _ in range(2):
        money = finance_domain.Money(Decimal(1), "key")
        asyncio.run(commands.record_payment(NOTHING, NOTHING, uuid4(), money))
    assert len(set(keys)) == 2


def test_numbers_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter(range(1, 9))

    async def following(_connection: Any, _bin: str, _year: str) -> int:
        return next(taken)

    monkeypatch.setattr(finance_domain, "_next", following)
    finance_domain.mushak_series_with_gaps(NOTHING, "document-generator", NOTHING)
    assert [asyncio.run(forms.next_serial(NOTHING, "1", "2026-27")) for _ in range(3)] == [2, 4, 6]
