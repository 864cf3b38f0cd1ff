"""The report of an import as it is printed: a row for each invoice, or for each run of invoices where there are many. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from certify_stack.erp.import_export import report
from certify_stack.erp.import_export.report import TOTAL, Booked, Facts, Refused, Totals
from certify_stack.printing import MOST_ROWS, Column, Report

COLUMNS = (
    Column("Lines", 2),
    Column("Count"),
    Column("Numbers", 4),
    Column("Net", 2, amount=True),
    Column("Duty", 2, amount=True),
    Column("VAT", 2, amount=True),
    Column("Gross", 2, amount=True),
)
REFUSED_COLUMNS = (Column("Line"), Column("Reason", 8))
TITLE = "Import of invoices"


@dataclass(slots=True)
class _Block:
    """A run of invoices: the first, the last, and their sums."""

    first: Booked
    last: Booked
    sums: Totals = field(default_factory=Totals)

    def texts(self) -> tuple[str, ...]:
        """Return the block as a row."""
        return (
            _span(str(self.first.line), str(self.last.line)),
            str(self.sums.rows),
            _span(self.first.invoice, self.last.invoice),
            *(str(amount) for amount in self.sums.amounts()),
        )


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} \u2013 {last}"


class Blocks:
    """Gathers rows into so few blocks that they can be printed.

    Args:
        rows: How many rows there will be.
    """

    def __init__(self, rows: int) -> None:
        self.size = max(-(-rows // MOST_ROWS), 1)
        self.totals = Totals()
        self._blocks: list[_Block] = []

    def add(self, rows: Sequence[Booked]) -> None:
        """Take rows in order."""
        for row in rows:
            self.totals.add(row)
            if not self._blocks or self._blocks[-1].sums.rows >= self.size:
                self._blocks.append(_Block(row, row))
            block = self._blocks[-1]
            block.last = row
            block.sums.add(row)

    def report(self, facts: Facts) -> Report:
        """Return all of it as a report."""
        totals = (TOTAL, str(self.totals.rows), "", *(str(amount) for amount in self.totals.amounts()))
        rows = [block.texts() for block in self._blocks]
        return Report(title=TITLE, about=_about(facts), columns=COLUMNS, rows=rows, totals=totals)


def refused(facts: Facts, rows: Sequence[Refused]) -> Report:
    """Return the report of an import that was refused."""
    texts = [(str(row.line), row.reason) for row in rows[:MOST_ROWS]]
    return Report(title=TITLE, about=_about(facts), columns=REFUSED_COLUMNS, rows=texts)


def _about(facts: Facts) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in report.about(facts))
