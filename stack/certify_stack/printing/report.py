"""A table with a heading and totals as a PDF, of as many pages as it takes."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from certify_stack.printing.typeset import pdf_of

# 1,000 rows of five columns take 60 MB to typeset.
MOST_ROWS = 1000
TEMPLATE = Path(__file__).parent / "report.typ"


class Column(msgspec.Struct, frozen=True):
    """A column: its heading, its share of the width, and whether it holds amounts, which stand at the right."""

    heading: str
    share: int = 1
    amount: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says. All of it is text as it shall be printed; nothing is computed or rounded here.

    Attributes:
        title: Its name.
        about: Lines below the title, such as the period and who asked.
        columns: From left to right.
        rows: One text for each column.
        totals: The last row, one text for each column; empty for none.
        landscape: Whether the page is wider than high.
    """

    title: str
    about: Sequence[str] = ()
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str] = ()
    landscape: bool = False


def table_report(report: Report, moment: datetime) -> bytes:
    """Return a report as a PDF; call it in a thread.

    Args:
        report: What it says.
        moment: When it was made.

    Raises:
        ValueError: There are more than ``MOST_ROWS`` rows, or one has more or fewer texts than there are columns.
        PrintingError: It cannot be printed here; the message says why.
    """
    if len(report.rows) > MOST_ROWS:
        raise ValueError(
            f"{len(report.rows)} rows are too many for a printed table, which has {MOST_ROWS} at most; sum up"
        )
    width = len(report.columns)
    for number, row in enumerate((*report.rows, report.totals or ("",) * width), 1):
        if len(row) != width:
            raise ValueError(f"row {number} has {len(row)} texts, there are {width} columns")
    return pdf_of(TEMPLATE, report, moment)
