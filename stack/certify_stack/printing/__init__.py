"""Documents to print: PDF with Bangla shaped as it is written, each made by a process of its own."""

from certify_stack.printing.report import MOST_ROWS, Column, Report, table_report
from certify_stack.printing.typeset import PrintingError, pdf_of

__all__ = ["MOST_ROWS", "Column", "PrintingError", "Report", "pdf_of", "table_report"]
