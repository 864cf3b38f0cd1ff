"""Tax invoices in the database: each invoice has one, with a number of a series that has no gap."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from certify_stack.erp.document_generator.mushak import Form, fiscal_year, number_of
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import ConflictError
from certify_stack.kit.outbox import Event, record

COLUMNS = "id, invoice_id, supplier_bin, fiscal_year, serial, issued_at, form"
# The row of the series stays locked until the form is committed: a form that is not kept gives its number back.
NEXT = """
    INSERT INTO mushak_series VALUES ($1, $2, 1)
    ON CONFLICT (supplier_bin, fiscal_year) DO UPDATE SET last = mushak_series.last + 1 RETURNING last
"""
INSERT = f"""
    INSERT INTO tax_invoice_form (invoice_id, supplier_bin, fiscal_year, serial, issued_at, form)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb) RETURNING {COLUMNS}
"""  # noqa: S608 - constant names
OF_INVOICE = f"SELECT {COLUMNS} FROM tax_invoice_form WHERE invoice_id = $1"  # noqa: S608 - constant names
BY_IDS = f"SELECT {COLUMNS} FROM tax_invoice_form WHERE id = ANY($1::uuid[])"  # noqa: S608 - constant names
PAGE = f"SELECT {COLUMNS} FROM tax_invoice_form ORDER BY issued_at DESC, id LIMIT $1 OFFSET $2"  # noqa: S608 - constant names


async def issue(database: Database, actor: str, invoice_id: UUID, form: Form) -> Any:
    """Keep a form and return its row; the same form of the same invoice again is the one that is kept.

    Raises:
        ConflictError: The invoice has another form.
    """
    known = await database.fetchrow(OF_INVOICE, invoice_id)
    if known is None:
        try:
            async with database.transaction() as connection:
                return await _insert(connection, actor, invoice_id, form)
        except asyncpg.UniqueViolationError:
            # Somebody was faster; the number of this one was not used.
            known = await database.fetchrow(OF_INVOICE, invoice_id)
    if form_of(known) != form:
        raise ConflictError("the invoice has a tax invoice that says something else")
    return known


async def _insert(connection: Connection, actor: str, invoice_id: UUID, form: Form) -> Any:
    now = datetime.now(UTC)
    year = fiscal_year(now)
    serial = await next_serial(connection, form.supplier_bin, year)
    said = msgspec.json.encode(form).decode()
    row = await connection.fetchrow(INSERT, invoice_id, form.supplier_bin, year, serial, now, said)
    told = {"invoice_id": invoice_id, "supplier_bin": form.supplier_bin, "number": number_of(year, serial)}
    event = Event(type="TaxInvoiceIssued", subject=row["id"], subject_type="TaxInvoiceForm", data=told)
    await record(connection, "document-generator", actor, [event])
    return row


async def next_serial(connection: Connection, supplier_bin: str, year: str) -> int:
    """Return the next number of a series; whoever asks meanwhile waits for the end of the transaction."""
    serial: int = await connection.fetchval(NEXT, supplier_bin, year)
    return serial


def form_of(row: Any) -> Form:
    """Return what a kept form says."""
    return msgspec.json.decode(row["form"], type=Form)
