"""Amounts as people in Bangladesh read them: grouped by thousand, lakh and crore, in English or Bangla."""

from decimal import Decimal
from enum import StrEnum

from certify_stack.erp.finance.money import to_cents

BANGLA_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")
TAKA_SIGN = "৳"
TAKA = "BDT"


class Language(StrEnum):
    """The language of printed documents."""

    ENGLISH = "ENGLISH"
    BANGLA = "BANGLA"


def grouped(digits: str) -> str:
    """Return whole digits with commas after the thousands and then after every two: 12345678 is 1,23,45,678."""
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])


def printed(amount: Decimal, currency: str, language: Language = Language.ENGLISH) -> str:
    """Return an amount with two places and its currency; taka in Bangla has its sign and Bangla digits.

    Raises:
        TypeError: The amount is no exact decimal.
    """
    rounded = to_cents(amount)
    whole, _, places = format(abs(rounded), "f").partition(".")
    text = f"{'-' if rounded < 0 else ''}{grouped(whole)}.{places}"
    if language is Language.BANGLA:
        return f"{TAKA_SIGN if currency == TAKA else currency} {text.translate(BANGLA_DIGITS)}"
    return f"{currency} {text}"
