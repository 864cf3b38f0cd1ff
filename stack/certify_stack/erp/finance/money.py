"""Amounts: exact decimals of two places, halves rounded away from zero, and binary floating point nowhere."""

from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
)

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST = Decimal("9999999999999999.99")

# The default context keeps 28 digits and would round longer products silently; 18 digits times 17 have 35.
# With denominators as small as those of tax fractions, 60 digits decide every half rightly.
EXACT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation])


def exact(value: object) -> Decimal:
    """Return the value if it is a finite decimal number.

    Raises:
        TypeError: It is anything else; a float above all, even one that looks whole.
    """
    if type(value) is not Decimal or not value.is_finite():
        raise TypeError(f"an amount is an exact Decimal, not {value!r}")
    return value


def to_cents(amount: Decimal) -> Decimal:
    """Round to two places, halves away from zero: 0.005 becomes 0.01, and -0.005 becomes -0.01.

    Raises:
        TypeError: The amount is no exact decimal.
    """
    return exact(amount).quantize(CENT, context=EXACT)
