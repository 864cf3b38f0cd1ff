"""Rows as PostgreSQL's COPY reads them in its text format."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

NULL = r"\N"
# In the text format a backslash starts an escape, a tab ends a value, and a line break ends a row.
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def line_of(values: Sequence[Any]) -> str:
    """Return a row of a table as one line."""
    return "\t".join([text_of(value) for value in values]) + "\n"


def text_of(value: Any) -> str:
    """Return one value."""
    if type(value) is str:
        return value.translate(ESCAPES)
    if value is None:
        return NULL
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).translate(ESCAPES)
