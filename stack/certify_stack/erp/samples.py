"""Deterministic sample rows, made from the declarations of a service page."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from certify_stack.kit.model import Entity, Field, Foreign, Kind

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT_COUNT = 20

# How many entries of each kind there are; the rest have DEFAULT_COUNT.
COUNTS: Mapping[str, int] = {"Customer": 50, "Product": 50, "Country": 20, "Currency": 20, "Company": 4}


def sample_id(name: str, number: int) -> UUID:
    """Return the id of the sample entry of that number; every service can tell it without asking."""
    return uuid5(NAMESPACE_URL, f"urn:erp:{name}:{number}")


def count_of(name: str, factor: int) -> int:
    """Return how many sample entries of a kind there are."""
    return COUNTS.get(name, DEFAULT_COUNT) * factor


def sample_row(entity: Entity, number: int, factor: int = 1) -> dict[str, Any]:
    """Return column -> value of a sample entry; numbers start at 0."""
    row: dict[str, Any] = {"id": sample_id(entity.name, number)}
    for field in entity.fields:
        row[field.column] = sample_value(entity, field, number, factor)
    row["created_at"] = row["updated_at"] = EPOCH + timedelta(minutes=number)
    return row


def sample_value(entity: Entity, field: Field, number: int, factor: int = 1) -> Any:
    """Return the value of one field of a sample entry."""
    if field.kind in {Kind.LOCAL, Kind.FOREIGN}:
        return _reference(entity, field, number, factor)
    return PLAIN[field.kind](field, number)


def _reference(entity: Entity, field: Field, number: int, factor: int) -> UUID | None:
    target = field.target.name if isinstance(field.target, Foreign) else str(field.target)
    if target == entity.name:
        # Only to entries made before, so that rows can be inserted in order and form no circle.
        return sample_id(target, number // 2 % count_of(target, factor)) if number else None
    return sample_id(target, number % count_of(target, factor))


def _text(field: Field, number: int) -> str:
    return (field.sample or field.name + " {}").format(number)[: field.max_length]


def _choice(field: Field, number: int) -> str:
    values = tuple(field.choice.values) if field.choice else ()
    return values[number % len(values)]


PLAIN: Mapping[Kind, Callable[[Field, int], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: lambda field, number: field.minimum + number,
    Kind.DECIMAL: lambda _field, number: Decimal(number % 40) + Decimal(number % 4) / 4,
    Kind.BOOLEAN: lambda _field, number: number % 5 != 0,
    Kind.DATE: lambda _field, number: date(2026, 1, 1) + timedelta(days=number % 365),
    Kind.INSTANT: lambda _field, number: EPOCH + timedelta(hours=number),
    Kind.CHOICE: _choice,
}
