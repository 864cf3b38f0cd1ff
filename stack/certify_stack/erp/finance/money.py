"""Amounts: exact decimals, two places, halves rounded away from zero, each line for itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST = Decimal("9999999999999999.99")

# Rates of value added tax in percent that an invoice may use.
VAT_RATES = frozenset(Decimal(rate) for rate in ("0", "5", "7.5", "10", "15"))


@dataclass(frozen=True, slots=True)
class Totals:
    """Amounts of a line or of a whole invoice."""

    net: Decimal
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return self.net + self.vat


def to_cents(amount: Decimal) -> Decimal:
    """Round to two places, halves away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def line_totals(quantity: Decimal, unit_price: Decimal, vat_rate: Decimal) -> Totals:
    """Return what one line comes to; the tax is taken from the rounded net amount."""
    net = to_cents(quantity * unit_price)
    return Totals(net, to_cents(net * vat_rate / 100))


def total(lines: Iterable[Totals]) -> Totals:
    """Return the sum of lines; nothing is rounded again."""
    items = tuple(lines)
    return Totals(sum((item.net for item in items), ZERO), sum((item.vat for item in items), ZERO))
