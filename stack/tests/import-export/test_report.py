"""Reports: each row once, sums of just these rows, and nothing that a browser or a spreadsheet would carry out."""

import csv
import io
from decimal import Decimal

import pytest

from certify_stack.erp.import_export import report
from certify_stack.erp.import_export.printed import Blocks
from certify_stack.erp.import_export.report import Booked, Facts, Refused, Totals
from certify_stack.printing import MOST_ROWS

ROWS = [
    Booked(2, "A", "INV-1", Decimal("1.10"), Decimal("0.00"), Decimal("0.17"), Decimal("1.27")),
    Booked(3, "B", "INV-2", Decimal("2.25"), Decimal("0.45"), Decimal("0.41"), Decimal("3.11")),
]
FACTS = Facts("<b>.csv", "0" * 64, "DONE", "BDT", 2, 0, "")


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_the_last_line_has_the_sums_of_the_lines_before():
    totals = Totals()
    text = report.csv_rows(ROWS[:1], totals) + report.csv_rows(ROWS[1:], totals) + report.csv_total(totals)
    *lines, total = parsed(text)
    assert lines == [
        [str(value) for value in (r.line, r.reference, r.invoice, r.net, r.duty, r.vat, r.gross)] for r in ROWS
    ]
    assert total == ["total", "2", "", "3.35", "0.45", "0.58", "4.38"]
    assert parsed(report.csv_total(Totals())) == [["total", "0", "", "0.00", "0.00", "0.00", "0.00"]]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx"])
def test_no_cell_is_a_formula(text: str):
    assert parsed(report.csv_line((text, "-1.50"))) == [[f"'{text}", "-1.50"]]


@pytest.mark.parametrize("text", ['a "quoted" word', "a, b", "two\nlines", "\u09a7", ""])
def test_texts_come_back_as_they_were(text: str):
    assert parsed(report.csv_line((text, "end"))) == [[text, "end"]]


def test_refused_rows_have_line_and_reason():
    text = report.csv_refused([Refused(7, "due_on is no day, such as 2026-01-31")])
    assert parsed(text) == [["line", "reason"], ["7", "due_on is no day, such as 2026-01-31"]]


@pytest.mark.parametrize(
    ("many", "size", "blocks"), [(2, 1, 2), (MOST_ROWS, 1, MOST_ROWS), (2 * MOST_ROWS + 1, 3, 667)]
)
def test_many_invoices_are_printed_in_runs_whose_sums_are_those_of_all(many: int, size: int, blocks: int):
    made = Blocks(many)
    rows = [Booked(n, "R", f"INV-{n}", *[Decimal(n) / 100] * 4) for n in range(2, many + 2)]
    for first in range(0, many, 7):
        made.add(rows[first : first + 7])
    report_of = made.report(FACTS)
    assert (made.size, len(report_of.rows)) == (size, blocks)
    for place in (1, 3, 6):
        assert sum(Decimal(row[place]) for row in report_of.rows) == Decimal(report_of.totals[place])
    assert Decimal(report_of.totals[6]) == sum(row.gross for row in rows)
    assert report_of.rows[0][0] == ("2" if size == 1 else "2 \u2013 4")
    assert report_of.about[0] == "File: <b>.csv"


def test_the_page_shows_the_same_and_runs_nothing():
    totals = Totals()
    page = (
        report.page_head(FACTS, report.HEADER)
        + report.page_rows(report.booked(ROWS, totals))
        + report.page_rows([(4, "<script>")])
        + report.page_total(totals)
        + report.page_end()
    )
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;.csv" in page
    assert page.startswith("<!doctype html>")
    assert '<tr class="total"><td>total</td><td>2</td><td></td><td class="amount">3.35</td>' in page
    assert page.endswith("</table></body></html>")
