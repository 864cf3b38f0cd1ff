"""Input objects to columns: each declared rule is checked here, before any statement."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import strawberry

from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.model import Entity, Field, Kind
from certify_stack.kit.scalars import check_day, check_decimal, check_instant, check_integer, check_text, parse_id

Check = Callable[[Field, Any], Any]


def _text(field: Field, value: str) -> str:
    checked = check_text(value, field.name, field.max_length)
    return field.rule(checked, field.name) if field.rule else checked


CHECKS: Mapping[Kind, Check] = {
    Kind.TEXT: _text,
    Kind.INTEGER: lambda field, value: check_integer(value, field.name, field.minimum),
    Kind.DECIMAL: lambda field, value: check_decimal(value, field.name, field.scale),
    Kind.BOOLEAN: lambda _field, value: value,
    Kind.DATE: lambda field, value: check_day(value, field.name),
    Kind.INSTANT: lambda field, value: check_instant(value, field.name),
    Kind.CHOICE: lambda _field, value: value.value if isinstance(value, Enum) else value,
    Kind.LOCAL: lambda field, value: parse_id(value, field.name),
    Kind.FOREIGN: lambda field, value: parse_id(value, field.name),
}


def column_value(field: Field, value: Any) -> Any:
    """Return the value as its column takes it.

    Raises:
        InvalidInputError: The value breaks a rule of the field.
    """
    if value is None:
        if field.required:
            raise InvalidInputError(f"{field.name} must not be null")
        return None
    return CHECKS[field.kind](field, value)


def column_values(entity: Entity, given: Any) -> dict[str, Any]:
    """Return the columns that an input object sets; what it leaves out stays as it is."""
    values = {}
    for field in entity.fields:
        value = getattr(given, field.column, strawberry.UNSET)
        if value is not strawberry.UNSET:
            values[field.column] = column_value(field, value)
    return values


def check_page(limit: int, offset: int) -> None:
    """Refuse a page that is too large or starts too far.

    Raises:
        InvalidInputError: ``limit`` is not 1 to 100, or ``offset`` not 0 to 100 000.
    """
    if not 1 <= limit <= 100:
        raise InvalidInputError("limit is not between 1 and 100")
    if not 0 <= offset <= 100_000:
        raise InvalidInputError("offset is not between 0 and 100000")
