"""Amounts as people in Bangladesh read them: grouped by thousand, lakh and crore, in English or Bangla."""

from decimal import Decimal
from enum import StrEnum

from certify_stack.erp.finance.money import to_cents
from certify_stack.erp.taka import grouped_amount, in_bangla

TAKA_SIGN = "৳"
TAKA = "BDT"


class Language(StrEnum):
    """The language of printed documents."""

    ENGLISH = "ENGLISH"
    BANGLA = "BANGLA"


def printed(amount: Decimal, currency: str, language: Language = Language.ENGLISH) -> str:
    """Return an amount with two places and its currency; taka in Bangla has its sign and Bangla digits.

    Raises:
        TypeError: The amount is no exact decimal.
    """
    text = grouped_amount(format(to_cents(amount), "f"))
    if language is Language.BANGLA:
        return f"{TAKA_SIGN if currency == TAKA else currency} {in_bangla(text)}"
    return f"{currency} {text}"
