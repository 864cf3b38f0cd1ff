"""Rows as PostgreSQL's COPY reads them in its text format."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

NULL = r"\N"
# In the text format a backslash starts an escape, a tab ends a value, and a line break ends a row.
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _escaped(value: str) -> str:
    # Most texts hold nothing to escape, and telling so takes a fraction of the time of translating them.
    return value if value.isprintable() and "\\" not in value else value.translate(ESCAPES)


TEXTS: Mapping[type, Callable[[Any], str]] = {
    str: _escaped,
    int: str,
    Decimal: str,
    UUID: str,
    bool: lambda value: "t" if value else "f",
    type(None): lambda _: NULL,
    datetime: datetime.isoformat,
    date: date.isoformat,
}


def line_of(values: Sequence[Any]) -> str:
    """Return a row of a table as one line."""
    return "\t".join([TEXTS.get(type(value), _other)(value) for value in values]) + "\n"


def _other(value: object) -> str:
    return _escaped(str(value))
