"""Numbers by which the National Board of Revenue of Bangladesh knows who pays tax.

- TIN, Taxpayer's Identification Number (e-TIN): 12 digits. Source: the law speaks of the "twelve-digit" number
  (Income-tax Ordinance, 1984, section 124AA).
- BIN, Business Identification Number: 13 digits, the only ones valid since 30 November 2019, when the numbers of 9 and 11
  digits lost their force. It is the registration under the Value Added Tax and Supplementary Duty Act, 2012.

Neither has a published check digit, so none is checked: a number can have the right form and belong to nobody. The digits
are those of ASCII, without spaces or hyphens; whoever types them otherwise is told so, and nothing is guessed.
"""

import re

from certify_stack.kit.errors import InvalidInputError

TIN_DIGITS = 12
BIN_DIGITS = 13
DIGITS = re.compile(r"[0-9]+")


def check_tin(value: str, what: str) -> str:
    """Return a TIN.

    Raises:
        InvalidInputError: It is not 12 digits.
    """
    return _checked(value, what, "TIN", TIN_DIGITS)


def check_bin(value: str, what: str) -> str:
    """Return a BIN.

    Raises:
        InvalidInputError: It is not 13 digits.
    """
    return _checked(value, what, "BIN", BIN_DIGITS)


def _checked(value: str, what: str, name: str, count: int) -> str:
    if not DIGITS.fullmatch(value):
        raise InvalidInputError(f"{what} is no {name}: it has other characters than the digits 0 to 9")
    if len(value) != count:
        raise InvalidInputError(f"{what} is no {name}: it has {len(value)} digits, not {count}")
    return value
