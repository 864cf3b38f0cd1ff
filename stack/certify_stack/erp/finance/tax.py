"""Tax on what is sold in Bangladesh: supplementary duty first, then value added tax on the value and the duty together.

By the Value Added Tax and Supplementary Duty Act, 2012 (Act 47 of 2012), as amended: the standard rate is 15 %, reduced
rates are 10, 7.5 and 5 %; a supply is taxable, zero-rated (such as an export) or exempt (First Schedule). Supplementary
duty (Second Schedule) is part of the value on which value added tax is charged. What is contained in a price that
includes tax is its tax fraction, RATE / (100 + RATE).

Rounding. Each amount of a line (discount, duty, tax) is rounded once, to two places, halves away from zero. Where prices
exclude tax, duty is taken from the rounded net value, and tax from that and the rounded duty. Where they include tax, tax
is taken out first, then duty, and the net value is what remains, so that net, duty and tax are the price to the poisha.
An invoice is the sum of its lines and is not rounded again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from certify_stack.erp.finance.money import EXACT, ZERO, exact, to_cents

HUNDRED = Decimal(100)


class Treatment(StrEnum):
    """What the law makes of a supply."""

    TAXABLE = "TAXABLE"
    ZERO_RATED = "ZERO_RATED"
    EXEMPT = "EXEMPT"


NO_RATE = Decimal(0)
TAXABLE_RATES = frozenset(Decimal(rate) for rate in ("5", "7.5", "10", "15"))
LARGEST_DUTY_RATE = Decimal(500)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a line is taxed; rates in percent."""

    vat_rate: Decimal
    treatment: Treatment
    duty_rate: Decimal = NO_RATE
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a line, or a whole invoice, comes to; net is after the discount."""

    discount: Decimal
    net: Decimal
    duty: Decimal
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return EXACT.add(EXACT.add(self.net, self.duty), self.vat)


def treatment_of(vat_rate: Decimal) -> Treatment:
    """Return how a line is meant that states a rate and nothing else."""
    return Treatment.TAXABLE if vat_rate else Treatment.ZERO_RATED


def problem_of(terms: Terms) -> str:
    """Return why a line cannot be taxed so; empty if it can."""
    if not NO_RATE <= terms.duty_rate <= LARGEST_DUTY_RATE:
        return f"supplementaryDutyRate is not between 0 and {LARGEST_DUTY_RATE}"
    if terms.treatment is Treatment.TAXABLE and terms.vat_rate not in TAXABLE_RATES:
        return f"vatRate of a taxable line is none of {', '.join(str(rate) for rate in sorted(TAXABLE_RATES))}"
    if terms.treatment is not Treatment.TAXABLE and terms.vat_rate:
        return f"vatRate of a line that is {terms.treatment} is not 0"
    return ""


def price_of(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Return what the quantity costs before any discount, rounded."""
    return to_cents(EXACT.multiply(exact(quantity), exact(unit_price)))


def discount_of(price: Decimal, percent: Decimal) -> Decimal:
    """Return so many percent of a price, rounded."""
    return to_cents(_percent(price, percent))


def amounts(price: Decimal, discount: Decimal, terms: Terms) -> Amounts:
    """Return what a line comes to.

    Args:
        price: Rounded price of the line, with or without tax as the terms say.
        discount: What is taken off that price; at most all of it.
        terms: How it is taxed.

    Raises:
        TypeError: One of the amounts is no exact decimal.
    """
    charged = EXACT.subtract(exact(price), exact(discount))
    if terms.inclusive:
        vat = fraction_of(charged, terms.vat_rate)
        duty = fraction_of(EXACT.subtract(charged, vat), terms.duty_rate)
        net = EXACT.subtract(EXACT.subtract(charged, vat), duty)
        return Amounts(discount, net, duty, vat)
    duty = to_cents(_percent(charged, terms.duty_rate))
    return Amounts(discount, charged, duty, vat_on(vat_base(charged, duty), terms.vat_rate))


def vat_base(net: Decimal, duty: Decimal) -> Decimal:
    """Return what value added tax is charged on: the value and the supplementary duty on it."""
    return EXACT.add(net, duty)


def vat_on(base: Decimal, rate: Decimal) -> Decimal:
    """Return the tax on an amount that excludes it, rounded."""
    return to_cents(_percent(base, rate))


def fraction_of(amount: Decimal, rate: Decimal) -> Decimal:
    """Return the tax that is contained in an amount, RATE / (100 + RATE) of it, rounded."""
    share = EXACT.divide(EXACT.multiply(exact(amount), exact(rate)), EXACT.add(HUNDRED, rate))
    return to_cents(share)


def total(lines: Iterable[Amounts]) -> Amounts:
    """Return the sum of lines; nothing is rounded again."""
    items = tuple(lines)
    return Amounts(*(sum((getattr(item, name) for item in items), ZERO) for name in ("discount", "net", "duty", "vat")))


def _percent(amount: Decimal, rate: Decimal) -> Decimal:
    return EXACT.divide(EXACT.multiply(exact(amount), exact(rate)), HUNDRED)
