"""The tax invoice through GraphQL: made of an invoice of finance and a customer of crm, as they are when it is issued."""

import asyncio
import base64
import logging
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from certify_stack.erp.catalog import INVOICE
from certify_stack.erp.document_generator import forms, mushak
from certify_stack.erp.document_generator.mushak import Form, FormLanguage, Row
from certify_stack.erp.tax_numbers import check_bin
from certify_stack.kit.client import CallError
from certify_stack.kit.errors import ConflictError, DependencyUnavailableError, NotFoundError, UnavailableError
from certify_stack.kit.model import Operation
from certify_stack.kit.roles import BOOKKEEPERS, REVIEWERS
from certify_stack.kit.scalars import check_text, parse_id
from certify_stack.kit.types import Info
from certify_stack.kit.values import check_page
from certify_stack.printing import PrintingError

log = logging.getLogger(__name__)

READ = BOOKKEEPERS | REVIEWERS
TAKA = "BDT"
OF_FINANCE = """
query TaxInvoice($id: ID!) {
  invoice(id: $id) {
    status currency customer { id }
    lines { description quantity net supplementaryDutyRate supplementaryDuty vatRate vat gross }
  }
}
"""
OF_CRM = "query TaxInvoice($id: ID!) { customer(id: $id) { name bin } }"


@strawberry.federation.type(description=INVOICE.description, keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Invoice:
    """The stub of an invoice of finance."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.enum(description="The language of a printed form.")
class TaxInvoiceLanguage(Enum):
    """The language of a printed form."""

    BANGLA = strawberry.enum_value("BANGLA", description="As the law has it.")
    ENGLISH = strawberry.enum_value("ENGLISH", description="Translated.")


def _html(
    root: Any,
    language: Annotated[TaxInvoiceLanguage, strawberry.argument(description="For whom.")] = TaxInvoiceLanguage.BANGLA,
) -> str:
    return mushak.render(forms.form_of(root.row), root.number, root.issued_at, FormLanguage(language.name))


async def _pdf(
    root: Any,
    language: Annotated[TaxInvoiceLanguage, strawberry.argument(description="For whom.")] = TaxInvoiceLanguage.BANGLA,
) -> str:
    return base64.b64encode(await printed(root.row, FormLanguage(language.name))).decode()


async def printed(row: Any, language: FormLanguage) -> bytes:
    """Return the PDF of a kept form.

    Raises:
        UnavailableError: It cannot be printed here.
    """
    number = mushak.number_of(row["fiscal_year"], row["serial"])
    try:
        return await asyncio.to_thread(mushak.printed, forms.form_of(row), number, row["issued_at"], language)
    except PrintingError as error:
        log.exception("tax invoice not printed", extra={"tax_invoice": row["id"]})
        raise UnavailableError("the tax invoice cannot be printed at present") from error


@strawberry.federation.type(description="A tax invoice by form Mushak-6.3, as it was issued.", keys=["id"])
class TaxInvoiceForm:
    """A tax invoice by form Mushak-6.3."""

    id: strawberry.ID = strawberry.field(description="The key.")
    number: str = strawberry.field(description="Fiscal year and number in the supplier's series, which has no gap.")
    serial: int = strawberry.field(description="Number in the series of the supplier and the fiscal year, from 1.")
    fiscal_year: str = strawberry.field(description="From July to June, such as 2026-27.")
    supplier_bin: str = strawberry.field(description="Business Identification Number of who supplies.")
    invoice: Invoice = strawberry.field(description="The invoice that it is about.")
    issued_at: datetime = strawberry.field(description="When it was issued.")
    row: strawberry.Private[Any]

    html: str = strawberry.field(resolver=_html, description="The form as a web page, with every field.")
    pdf: str = strawberry.field(resolver=_pdf, description="The form as a PDF for printing, in base64.")

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID, info: Info) -> Self | None:  # noqa: A002 - the key's name
        """Return the form that another subgraph names."""
        info.context.require("Query.taxInvoiceForm", READ)
        row = await _kept(info, parse_id(id))
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as a form."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            number=mushak.number_of(row["fiscal_year"], row["serial"]),
            serial=row["serial"],
            fiscal_year=row["fiscal_year"],
            supplier_bin=row["supplier_bin"],
            invoice=Invoice(id=strawberry.ID(str(row["invoice_id"]))),
            issued_at=row["issued_at"],
            row=row,
        )


@strawberry.input(description="What a tax invoice says beside the invoice and the customer.")
class IssueTaxInvoiceInput:
    """What a tax invoice says beside the invoice and the customer."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice, which must be issued, in taka.")
    supplier_name: str = strawberry.field(description="Name of the registered person.")
    supplier_bin: str = strawberry.field(description="Its BIN, 13 digits.")
    issued_from: str = strawberry.field(description="Address of issue.")
    buyer_address: str = strawberry.field(description="Address of the buyer.")
    destination: str = strawberry.field(description="Where the supply goes.")
    vehicle: str = strawberry.field(description="Kind and number of the vehicle; a dash if none.")
    officer_name: str = strawberry.field(description="Who answers for it.")
    officer_title: str = strawberry.field(description="Designation of who answers for it.")
    unit: str = strawberry.field(description="Unit of supply of its lines.", default="pcs")


async def issue_tax_invoice(
    info: Info,
    input: Annotated[IssueTaxInvoiceInput, strawberry.argument(description="What it says.")],  # noqa: A002 - the schema's name
) -> TaxInvoiceForm:
    """Issue the tax invoice of an invoice."""
    invoice_id = parse_id(input.invoice_id, "invoiceId")
    given = {name: _text(input, name) for name in TEXTS}
    check_bin(given["supplier_bin"], "supplierBin")
    invoice = await _asked(info, "finance", OF_FINANCE, str(invoice_id), "invoice")
    if invoice["status"] == "DRAFT":
        raise ConflictError("the invoice is a DRAFT, it has no tax invoice yet")
    if invoice["currency"] != TAKA:
        raise ConflictError(f"a tax invoice is in taka, the invoice is in {invoice['currency']}")
    customer = await _asked(info, "crm", OF_CRM, invoice["customer"]["id"], "customer")
    unit = given.pop("unit")
    rows = tuple(_row(line, unit) for line in invoice["lines"])
    form = Form(**given, buyer_name=customer["name"], buyer_bin=customer["bin"] or "", rows=rows)
    row = await forms.issue(info.context.database, info.context.principal.subject, invoice_id, form)
    return TaxInvoiceForm.of(row)


TEXTS = (
    "supplier_name", "supplier_bin", "issued_from", "buyer_address", "destination", "vehicle", "officer_name",
    "officer_title", "unit",
)  # fmt: skip


def _text(given: IssueTaxInvoiceInput, name: str) -> str:
    head, *tail = name.split("_")
    return check_text(getattr(given, name), head + "".join(part.capitalize() for part in tail), 200)


async def _asked(info: Info, service: str, query: str, key: str, name: str) -> dict[str, Any]:
    """Return what another service tells of a thing.

    Raises:
        NotFoundError: It has no such thing.
        DependencyUnavailableError: It does not answer.
    """
    try:
        data = await info.context.runtime.client.graphql(service, query, {"id": key})
    except CallError as error:
        raise DependencyUnavailableError(service) from error
    found: dict[str, Any] | None = data.get(name)
    if found is None:
        raise NotFoundError(f"there is no {name} with this id")
    return found


def _row(line: dict[str, str], unit: str) -> Row:
    """Return a line of the form; its unit price is the value without tax for one unit, after any discount."""
    return Row(
        description=line["description"],
        unit=unit,
        quantity=line["quantity"],
        unit_price=mushak.unit_price(line["net"], line["quantity"]),
        value=line["net"],
        duty_rate=line["supplementaryDutyRate"],
        duty=line["supplementaryDuty"],
        vat_rate=line["vatRate"],
        vat=line["vat"],
        gross=line["gross"],
    )


async def _kept(info: Info, key: UUID) -> Any:
    async def many(keys: list[UUID]) -> list[Any]:
        rows = {row["id"]: row for row in await info.context.database.fetch(forms.BY_IDS, keys)}
        return [rows.get(key) for key in keys]

    return await info.context.loader("TaxInvoiceForm", many).load(key)


async def tax_invoice_form(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The key of the tax invoice.")],  # noqa: A002 - the argument's name
) -> TaxInvoiceForm | None:
    """Return one tax invoice."""
    row = await _kept(info, parse_id(id))
    return None if row is None else TaxInvoiceForm.of(row)


async def tax_invoice_forms(
    info: Info,
    limit: Annotated[int, strawberry.argument(description="How many entries at most, 1 to 100.")] = 20,
    offset: Annotated[int, strawberry.argument(description="How many entries to pass over, at most 100000.")] = 0,
) -> list[TaxInvoiceForm]:
    """Return tax invoices, newest first."""
    check_page(limit, offset)
    return [TaxInvoiceForm.of(row) for row in await info.context.database.fetch(forms.PAGE, limit, offset)]


QUERIES = (
    Operation(
        name="taxInvoiceForm", description="One tax invoice by id, or null.", resolver=tax_invoice_form, roles=READ
    ),
    Operation(
        name="taxInvoiceForms", description="Tax invoices, newest first.", resolver=tax_invoice_forms, roles=READ
    ),
)
MUTATIONS = (
    Operation(
        name="issueTaxInvoiceForm",
        description="Issue the tax invoice (Mushak-6.3) of an invoice; the same again gives the one that there is.",
        resolver=issue_tax_invoice,
        roles=BOOKKEEPERS,
    ),
)
