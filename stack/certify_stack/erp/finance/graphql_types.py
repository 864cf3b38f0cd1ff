"""The GraphQL types of finance."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from certify_stack.erp.catalog import CUSTOMER, INVOICE, PRODUCT
from certify_stack.erp.finance import queries
from certify_stack.erp.finance.printing import Language, printed
from certify_stack.kit.roles import ADMINS, BOOKKEEPERS, EVERYONE, REVIEWERS, STAFF
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.types import Info

READ_INVOICES = EVERYONE
WRITE_INVOICES = STAFF
READ_PAYMENTS = BOOKKEEPERS | REVIEWERS
WRITE_PAYMENTS = BOOKKEEPERS
READ_HISTORY = ADMINS | REVIEWERS

STUB = Key(fields=FieldSet("id"), resolvable=False)


@strawberry.federation.type(description=CUSTOMER.description, keys=[STUB])
class Customer:
    """The stub of a customer of crm."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.federation.type(description=PRODUCT.description, keys=[STUB])
class Product:
    """The stub of a product of master-data."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.enum(description="Where an invoice stands.")
class InvoiceStatus(Enum):
    """Where an invoice stands."""

    DRAFT = strawberry.enum_value("DRAFT", description="Drawn up, not sent; nothing is owed yet.")
    ISSUED = strawberry.enum_value("ISSUED", description="Sent; the whole amount is owed.")
    PARTLY_PAID = strawberry.enum_value("PARTLY_PAID", description="Some of it was paid.")
    PAID = strawberry.enum_value("PAID", description="Nothing is owed any more.")


@strawberry.enum(description="What the law of value added tax makes of a supply.")
class VatTreatment(Enum):
    """What the law makes of a supply."""

    TAXABLE = strawberry.enum_value("TAXABLE", description="Taxed at its rate.")
    ZERO_RATED = strawberry.enum_value("ZERO_RATED", description="Taxed at 0 %, such as an export.")
    EXEMPT = strawberry.enum_value("EXEMPT", description="Not taxed at all.")


@strawberry.enum(description="The language of what is printed.")
class PrintLanguage(Enum):
    """The language of what is printed."""

    ENGLISH = strawberry.enum_value("ENGLISH", description="With the code of the currency.")
    BANGLA = strawberry.enum_value("BANGLA", description="With Bangla digits.")


@strawberry.type(description="One line of an invoice.")
class InvoiceLine:
    """One line of an invoice."""

    line_number: int = strawberry.field(description="Place in the invoice, from 1.")
    product: Product = strawberry.field(description="What was sold.")
    description: str = strawberry.field(description="Text as printed.")
    quantity: Decimal = strawberry.field(description="How much, with up to three decimals.")
    unit_price: Decimal = strawberry.field(description="Price of one unit, with tax if pricesIncludeTax.")
    vat_rate: Decimal = strawberry.field(description="Rate of value added tax in percent.")
    treatment: VatTreatment = strawberry.field(description="Whether it is taxable, zero-rated or exempt.")
    supplementary_duty_rate: Decimal = strawberry.field(description="Rate of supplementary duty in percent.")
    discount: Decimal = strawberry.field(description="What was taken off the price, rounded to two places.")
    net: Decimal = strawberry.field(description="Value before duty and tax, after the discount.")
    supplementary_duty: Decimal = strawberry.field(description="Duty on the net amount, rounded to two places.")
    vat: Decimal = strawberry.field(description="Tax on the net amount and the duty, rounded to two places.")
    gross: Decimal = strawberry.field(description="Net amount, duty and tax together.")

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as a line."""
        return cls(
            line_number=row["line_number"],
            product=Product(id=strawberry.ID(str(row["product_id"]))),
            description=row["description"],
            quantity=row["quantity"],
            unit_price=row["unit_price"],
            vat_rate=row["vat_rate"],
            treatment=row["treatment"],
            supplementary_duty_rate=row["duty_rate"],
            discount=row["discount"],
            net=row["net"],
            supplementary_duty=row["duty"],
            vat=row["vat"],
            gross=row["net"] + row["duty"] + row["vat"],
        )


async def _lines(root: Any, info: Info) -> list[InvoiceLine]:
    rows = await queries.lines_of(info, UUID(root.id))
    return [InvoiceLine.of(row) for row in rows]


def _gross_printed(
    root: Any,
    language: Annotated[PrintLanguage, strawberry.argument(description="For whom.")] = PrintLanguage.ENGLISH,
) -> str:
    return printed(root.gross, root.currency, Language(language.name))


@strawberry.federation.type(description=INVOICE.description, keys=["id"])
class Invoice:
    """A demand for payment."""

    id: strawberry.ID = strawberry.field(description="The key.")
    number: str = strawberry.field(description="Number as printed.")
    customer: Customer = strawberry.field(description="Who owes it.")
    currency: str = strawberry.field(description="Three-letter code of the currency of all its amounts.")
    status: InvoiceStatus = strawberry.field(description="Where it stands.")
    prices_include_tax: bool = strawberry.field(description="Whether its unit prices include duty and tax.")
    discount: Decimal = strawberry.field(description="Sum of the lines' discounts.")
    net: Decimal = strawberry.field(description="Sum of the lines before duty and tax.")
    supplementary_duty: Decimal = strawberry.field(description="Sum of the lines' supplementary duty.")
    vat: Decimal = strawberry.field(description="Sum of the lines' tax.")
    gross: Decimal = strawberry.field(description="What is to be paid.")
    paid: Decimal = strawberry.field(description="What was paid so far.")
    due_on: date | None = strawberry.field(description="When it must be paid; null for a draft.")
    language: PrintLanguage | None = strawberry.field(description="In which language it was sent; null for a draft.")
    created_at: datetime = strawberry.field(description="When it was drawn up.")
    issued_at: datetime | None = strawberry.field(description="When it was sent.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    version: int = strawberry.field(description="How many events it has; for expectedVersion.")

    lines: list[InvoiceLine] = strawberry.field(resolver=_lines, description="Its lines, in order.")
    gross_printed: str = strawberry.field(
        resolver=_gross_printed, description="What is to be paid as people read it, grouped by lakh and crore."
    )

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID, info: Info) -> Self | None:  # noqa: A002 - the key's name
        """Return the invoice that another subgraph names."""
        info.context.require("Query.invoice", READ_INVOICES)
        row = await queries.invoice_row(info, parse_id(id))
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as an invoice."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            number=row["number"],
            customer=Customer(id=strawberry.ID(str(row["customer_id"]))),
            currency=row["currency"],
            status=row["status"],
            prices_include_tax=row["prices_include_tax"],
            discount=row["discount"],
            net=row["net"],
            supplementary_duty=row["duty"],
            vat=row["vat"],
            gross=row["gross"],
            paid=row["paid"],
            due_on=row["due_on"],
            language=row["language"],
            created_at=row["created_at"],
            issued_at=row["issued_at"],
            updated_at=row["updated_at"],
            version=row["version"],
        )


@strawberry.enum(description="How money came in.")
class PaymentMethod(Enum):
    """How money came in."""

    BANK = strawberry.enum_value("BANK", description="By transfer to a bank account.")
    CASH = strawberry.enum_value("CASH", description="In notes and coins.")
    CHEQUE = strawberry.enum_value("CHEQUE", description="By cheque.")
    MOBILE = strawberry.enum_value("MOBILE", description="By a mobile financial service.")


async def _paid_invoice(root: Any, info: Info) -> Invoice:
    return Invoice.of(await queries.invoice_row(info, root.invoice_id))


@strawberry.federation.type(description="Money that came in for an invoice.", keys=["id"])
class Payment:
    """Money that came in for an invoice."""

    id: strawberry.ID = strawberry.field(description="The key.")
    customer: Customer = strawberry.field(description="Who paid.")
    currency: str = strawberry.field(description="Three-letter code of the currency.")
    amount: Decimal = strawberry.field(description="How much came in.")
    method: PaymentMethod = strawberry.field(description="How it came in.")
    idempotency_key: str = strawberry.field(description="The client's own key of the payment.")
    received_at: datetime = strawberry.field(description="When it was recorded.")
    invoice_id: strawberry.Private[UUID]

    invoice: Invoice = strawberry.field(resolver=_paid_invoice, description="The invoice that it pays.")

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID, info: Info) -> Self | None:  # noqa: A002 - the key's name
        """Return the payment that another subgraph names."""
        info.context.require("Query.payment", READ_PAYMENTS)
        row = await queries.payment_row(info, parse_id(id))
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as a payment."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            customer=Customer(id=strawberry.ID(str(row["customer_id"]))),
            currency=row["currency"],
            amount=row["amount"],
            method=row["method"],
            idempotency_key=row["idempotency_key"],
            received_at=row["received_at"],
            invoice_id=row["invoice_id"],
        )


@strawberry.type(description="What a customer was billed, paid and owes in one currency.")
class Account:
    """A customer's balance in one currency."""

    customer: Customer = strawberry.field(description="Whose account it is.")
    currency: str = strawberry.field(description="Three-letter code of the currency.")
    invoiced: Decimal = strawberry.field(description="Sum of all issued invoices.")
    paid: Decimal = strawberry.field(description="Sum of all payments.")
    balance: Decimal = strawberry.field(description="What is owed.")
    credit_limit: Decimal | None = strawberry.field(description="The most that may be owed; null: anything.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as an account."""
        return cls(
            customer=Customer(id=strawberry.ID(str(row["customer_id"]))),
            currency=row["currency"],
            invoiced=row["invoiced"],
            paid=row["paid"],
            balance=row["balance"],
            credit_limit=row["credit_limit"],
            updated_at=row["updated_at"],
        )


@strawberry.type(description="An event of an invoice or a payment, as it is stored.")
class HistoryEntry:
    """A stored event."""

    position: int = strawberry.field(description="Place among all events of finance.")
    version: int = strawberry.field(description="Place among the events of this thing, from 1.")
    type: str = strawberry.field(description="Type of the event.")
    type_version: int = strawberry.field(description="Version of the type in which it is stored.")
    data: str = strawberry.field(description="What it says, as JSON.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.input(description="A line of a new invoice.")
class InvoiceLineInput:
    """A line of a new invoice."""

    product_id: strawberry.ID = strawberry.field(description="What is sold.")
    description: str = strawberry.field(description="Text as printed.")
    quantity: Decimal = strawberry.field(description="How much, with up to three decimals.")
    unit_price: Decimal = strawberry.field(description="Price of one unit, without tax unless pricesIncludeTax.")
    vat_rate: Decimal = strawberry.field(description="Rate of value added tax in percent: 0, 5, 7.5, 10 or 15.")
    treatment: VatTreatment | None = strawberry.field(
        description="What the law makes of it; if absent, TAXABLE, or ZERO_RATED where the rate is 0.", default=None
    )
    supplementary_duty_rate: Decimal | None = strawberry.field(
        description="Rate of supplementary duty in percent, 0 to 500; 0 if absent.", default=None
    )
    discount: Decimal | None = strawberry.field(description="What is taken off the price of the line.", default=None)
    discount_percent: Decimal | None = strawberry.field(
        description="How many percent are taken off the price of the line; instead of discount.", default=None
    )


@strawberry.input(description="A new invoice.")
class CreateInvoiceInput:
    """A new invoice."""

    customer_id: strawberry.ID = strawberry.field(description="Who will owe it.")
    lines: list[InvoiceLineInput] = strawberry.field(description="What is sold, 1 to 200 lines.")
    currency: str = strawberry.field(description="Three-letter code of the currency.", default="BDT")
    prices_include_tax: bool = strawberry.field(
        description="Whether the unit prices include duty and tax.", default=False
    )
    idempotency_key: str | None = strawberry.field(
        description="The client's own key; the same key again draws up nothing.", default=None
    )


@strawberry.input(description="What invoices must equal.")
class InvoicesWhere:
    """What invoices must equal."""

    customer_id: strawberry.ID | None = strawberry.field(description="Who owes it.", default=strawberry.UNSET)
    status: InvoiceStatus | None = strawberry.field(description="Where it stands.", default=strawberry.UNSET)
