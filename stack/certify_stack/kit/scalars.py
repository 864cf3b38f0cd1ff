"""Values at the border: exact decimals, ids, texts and times, checked before they reach a statement."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from certify_stack.kit.errors import InvalidInputError

DECIMAL_TEXT = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)


def parse_decimal(value: Any) -> Decimal:
    """Read an exact decimal from a string; binary floating point is refused.

    Raises:
        InvalidInputError: The value is not a string such as "1250.00".
    """
    if isinstance(value, str) and DECIMAL_TEXT.fullmatch(value):
        return Decimal(value)
    raise InvalidInputError('a Decimal is a string such as "1250.00", with at most 15 digits before the point')


def print_decimal(value: Decimal) -> str:
    """Return the digits as they are kept, without exponent."""
    return format(value, "f")


DECIMAL: ScalarDefinition = strawberry.scalar(
    name="Decimal",
    description='An exact decimal number, as a string such as "1250.00".',
    serialize=print_decimal,
    parse_value=parse_decimal,
)


def parse_id(value: str, what: str = "id") -> UUID:
    """Read an id.

    Raises:
        InvalidInputError: The value is not a UUID.
    """
    try:
        return UUID(value)
    except (ValueError, AttributeError) as error:
        raise InvalidInputError(f"{what} is not a UUID") from error


def check_text(value: str, what: str, max_length: int) -> str:
    """Return a text that a column can hold.

    Raises:
        InvalidInputError: The text is blank, too long or holds a NUL.
    """
    if not value.strip():
        raise InvalidInputError(f"{what} is blank")
    if len(value) > max_length:
        raise InvalidInputError(f"{what} is longer than {max_length} characters")
    if "\x00" in value:
        raise InvalidInputError(f"{what} holds a NUL character")
    return value


def check_integer(value: int, what: str, minimum: int) -> int:
    """Return a number that is not below ``minimum``.

    Raises:
        InvalidInputError: The number is too small.
    """
    if value < minimum:
        raise InvalidInputError(f"{what} is below {minimum}")
    return value


def check_decimal(value: Decimal, what: str, scale: int) -> Decimal:
    """Return a non-negative decimal with at most ``scale`` decimals; nothing is rounded silently.

    Raises:
        InvalidInputError: The number is negative or has more decimals.
    """
    if value < 0:
        raise InvalidInputError(f"{what} is negative")
    if value != round(value, scale):
        raise InvalidInputError(f"{what} has more than {scale} decimals")
    return round(value, scale)


def check_instant(value: datetime, what: str) -> datetime:
    """Return the time in UTC; a time without zone counts as UTC.

    Raises:
        InvalidInputError: The time is outside of the calendar.
    """
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInputError(f"{what} is outside of the calendar") from error


def check_day(value: date, what: str) -> date:
    """Return a date that PostgreSQL and the ISO calendar both know.

    Raises:
        InvalidInputError: The value carries a time.
    """
    if isinstance(value, datetime):
        raise InvalidInputError(f"{what} is a time, not a date")
    return value
