"""The report of an import as rows, sums, CSV and a page to print. No I/O: the rows are what the books say."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

import msgspec

HEADER = ("line", "reference", "invoice", "net", "duty", "vat", "gross")
REFUSED_HEADER = ("line", "reason")
TOTAL = "total"
# What spreadsheets would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
STYLE = (
    "body{font:11pt sans-serif;margin:2cm}table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #999;padding:2pt 6pt;text-align:left}"
    "td.amount,th.amount{text-align:right}tr.total{font-weight:bold}"
)
AMOUNTS_FROM = HEADER.index("net")


class Booked(msgspec.Struct, frozen=True, array_like=True):
    """A row that became an invoice."""

    line: int
    reference: str
    invoice: str
    net: Decimal
    duty: Decimal
    vat: Decimal
    gross: Decimal


class Refused(msgspec.Struct, frozen=True):
    """A row that broke a rule."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the head of a report says."""

    file_name: str
    sha256: str
    state: str
    currency: str
    rows: int
    refused: int
    trouble: str


@dataclass(slots=True)
class Totals:
    """Sums of the rows so far."""

    rows: int = 0
    net: Decimal = Decimal("0.00")
    duty: Decimal = Decimal("0.00")
    vat: Decimal = Decimal("0.00")
    gross: Decimal = Decimal("0.00")

    def add(self, row: Booked) -> None:
        """Count a row."""
        self.rows += 1
        self.net += row.net
        self.duty += row.duty
        self.vat += row.vat
        self.gross += row.gross

    def amounts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return net, duty, tax and gross amount."""
        return self.net, self.duty, self.vat, self.gross


def csv_line(values: Iterable[object]) -> str:
    """Return a line of CSV that a spreadsheet takes for texts and numbers only."""
    return ",".join(_cell(str(value)) for value in values) + "\r\n"


def _cell(text: str) -> str:
    if text.startswith(FORMULA) and not _is_number(text):
        text = f"'{text}"
    if any(mark in text for mark in ',"\r\n'):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


def csv_rows(rows: Iterable[Booked], totals: Totals) -> str:
    """Return lines for rows, and add these to the totals."""
    return "".join([_counted(row, totals) for row in rows])


def _counted(row: Booked, totals: Totals) -> str:
    totals.add(row)
    return csv_line(msgspec.structs.astuple(row))


def csv_total(totals: Totals) -> str:
    """Return the last line: how many rows there were, and their sums."""
    return csv_line((TOTAL, totals.rows, "", *totals.amounts()))


def csv_refused(rows: Sequence[Refused]) -> str:
    """Return the whole report of an import that was refused."""
    return csv_line(REFUSED_HEADER) + "".join(csv_line((row.line, row.reason)) for row in rows)


def about(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Return the head of a report: names and values."""
    return (
        ("File", facts.file_name),
        ("SHA-256", facts.sha256),
        ("State", facts.state),
        ("Currency", facts.currency or "none"),
        ("Rows", str(facts.rows)),
        ("Refused rows", str(facts.refused)),
        ("Trouble", facts.trouble or "none"),
    )


def page_head(facts: Facts, header: Sequence[str]) -> str:
    """Return a page until the first row of its table."""
    facts_text = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in about(facts))
    columns = "".join(f"<th{_class(place)}>{name}</th>" for place, name in enumerate(header))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Import of invoices</title>'
        f"<style>{STYLE}</style></head><body><h1>Import of invoices</h1><table>{facts_text}</table>"
        f"<h2>Rows</h2><table><thead><tr>{columns}</tr></thead><tbody>"
    )


def page_rows(rows: Iterable[Sequence[object]], kind: str = "") -> str:
    """Return rows of the page's table."""
    return "".join(_page_row(row, kind) for row in rows)


def _page_row(row: Sequence[object], kind: str) -> str:
    cells = "".join(f"<td{_class(place)}>{escape(str(value))}</td>" for place, value in enumerate(row))
    return f"<tr{kind}>{cells}</tr>"


def _class(place: int) -> str:
    return ' class="amount"' if place >= AMOUNTS_FROM else ""


def page_total(totals: Totals) -> str:
    """Return the row of sums."""
    return page_rows([(TOTAL, totals.rows, "", *totals.amounts())], ' class="total"')


def page_end() -> str:
    """Return the end of a page."""
    return "</tbody></table></body></html>"


def booked(rows: Iterable[Booked], totals: Totals) -> Iterator[tuple[object, ...]]:
    """Yield rows as tuples, and add them to the totals."""
    for row in rows:
        totals.add(row)
        yield msgspec.structs.astuple(row)
