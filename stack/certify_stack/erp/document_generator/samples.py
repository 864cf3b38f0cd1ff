"""Sample tax invoices: of sample invoices that were issued, one series of numbers."""

from datetime import timedelta
from itertools import islice
from typing import Any

import msgspec

from certify_stack.erp.document_generator.mushak import Form, Row, fiscal_year, unit_price
from certify_stack.erp.finance.events import InvoiceCreated, InvoiceIssued, Line
from certify_stack.erp.finance.samples import sample_events
from certify_stack.erp.samples import EPOCH, sample_id
from certify_stack.kit.database import Connection

FORMS = 20
SUPPLIER_BIN = "0022418737858"
COLUMNS = ("id", "invoice_id", "supplier_bin", "fiscal_year", "serial", "issued_at", "form")


async def seed_tax_invoices(connection: Connection, size: int) -> dict[str, int]:
    """Copy sample tax invoices; return rows by table."""
    created: dict[Any, InvoiceCreated] = {}
    issued = []
    for _, stream, _, event in sample_events(size):
        if isinstance(event, InvoiceCreated):
            created[stream] = event
        elif isinstance(event, InvoiceIssued):
            issued.append(stream)
    records = []
    for serial, invoice in enumerate(islice(issued, FORMS * size), 1):
        form = msgspec.json.encode(_form(created[invoice])).decode()
        at = EPOCH + timedelta(minutes=serial)
        key = sample_id("TaxInvoiceForm", serial)
        records.append((key, invoice, SUPPLIER_BIN, fiscal_year(EPOCH), serial, at, form))
    await connection.execute(
        "INSERT INTO mushak_series VALUES ($1, $2, $3)", SUPPLIER_BIN, fiscal_year(EPOCH), len(records)
    )
    await connection.copy_records_to_table("tax_invoice_form", columns=COLUMNS, records=records)
    return {"document-generator.tax_invoice_form": len(records)}


def _form(invoice: InvoiceCreated) -> Form:
    return Form(
        supplier_name="Company 0",
        supplier_bin=SUPPLIER_BIN,
        issued_from="1 Motijheel, Dhaka",
        buyer_name="Customer",
        buyer_bin="",
        buyer_address="2 Mohakhali, Dhaka",
        destination="2 Mohakhali, Dhaka",
        vehicle="-",
        officer_name="Clerk 0",
        officer_title="Officer",
        rows=tuple(_row(line) for line in invoice.lines),
    )


def _row(line: Line) -> Row:
    return Row(
        description=line.description,
        unit="pcs",
        quantity=f"{line.quantity:f}",
        unit_price=unit_price(f"{line.net:f}", f"{line.quantity:f}"),
        value=f"{line.net:f}",
        duty_rate=f"{line.duty_rate:f}",
        duty=f"{line.duty:f}",
        vat_rate=f"{line.vat_rate:f}",
        vat=f"{line.vat:f}",
        gross=f"{line.net + line.duty + line.vat:f}",
    )
