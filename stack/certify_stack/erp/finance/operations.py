"""The queries and mutations of finance."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from certify_stack.erp.catalog import CUSTOMER, PRODUCT
from certify_stack.erp.finance import commands, queries
from certify_stack.erp.finance.events import PaymentMethod as Method
from certify_stack.erp.finance.graphql_types import (
    READ_HISTORY,
    READ_INVOICES,
    READ_PAYMENTS,
    WRITE_INVOICES,
    WRITE_PAYMENTS,
    Account,
    CreateInvoiceInput,
    HistoryEntry,
    Invoice,
    InvoiceLineInput,
    InvoicesWhere,
    Payment,
    PaymentMethod,
    PrintLanguage,
)
from certify_stack.erp.finance.invoice import Item, Money
from certify_stack.erp.finance.ledger_operations import CommandKey, caller_of, key_of
from certify_stack.erp.finance.printing import Language
from certify_stack.erp.finance.tax import NO_RATE, Treatment
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.model import Operation
from certify_stack.kit.references import Reference
from certify_stack.kit.scalars import check_day, check_decimal, check_text, parse_id
from certify_stack.kit.types import Info
from certify_stack.kit.values import check_page

DUE_DAYS = 30

InvoiceId = Annotated[strawberry.ID, strawberry.argument(description="The key of the invoice.")]
Limit = Annotated[int, strawberry.argument(description="How many entries at most, 1 to 100.")]
Offset = Annotated[int, strawberry.argument(description="How many entries to pass over, at most 100000.")]


def _item(line: InvoiceLineInput) -> Item:
    return Item(
        parse_id(line.product_id, "productId"),
        check_text(line.description, "description", 500),
        check_decimal(line.quantity, "quantity", 3),
        check_decimal(line.unit_price, "unitPrice", 2),
        check_decimal(line.vat_rate, "vatRate", 2),
        Treatment(line.treatment.name) if line.treatment else None,
        _optional(line.supplementary_duty_rate, "supplementaryDutyRate") or NO_RATE,
        _optional(line.discount, "discount"),
        _optional(line.discount_percent, "discountPercent"),
    )


def _optional(value: Decimal | None, what: str) -> Decimal | None:
    return None if value is None else check_decimal(value, what, 2)


async def _invoice(info: Info, key: Any) -> Invoice:
    return Invoice.of(await queries.invoice_row(info, key))


async def create_invoice(
    info: Info,
    input: Annotated[CreateInvoiceInput, strawberry.argument(description="The new invoice.")],  # noqa: A002 - the schema's name
) -> Invoice:
    """Draw up an invoice."""
    items = [_item(line) for line in input.lines]
    customer = parse_id(input.customer_id, "customerId")
    products = [Reference(f"lines.{place}.productId", PRODUCT, item.product_id) for place, item in enumerate(items)]
    await info.context.runtime.references.check([Reference("customerId", CUSTOMER, customer), *products])
    asked = commands.NewInvoice(customer, input.currency, items, input.prices_include_tax)
    key = await commands.create_invoice(info.context.database, caller_of(info), asked, key_of(input.idempotency_key))
    return await _invoice(info, key)


async def issue_invoice(  # noqa: PLR0913, PLR0917 - the arguments of the mutation
    info: Info,
    id: InvoiceId,  # noqa: A002 - the argument's name in the schema
    due_on: Annotated[date | None, strawberry.argument(description="When to pay; 30 days from now if absent.")] = None,
    expected_version: Annotated[
        int | None, strawberry.argument(description="Refuse unless the invoice is at this version.")
    ] = None,
    language: Annotated[PrintLanguage, strawberry.argument(description="In which it is sent.")] = PrintLanguage.ENGLISH,
    idempotency_key: CommandKey = None,
) -> Invoice:
    """Send a draft."""
    key = parse_id(id)
    today = datetime.now(UTC).date()
    due = today + timedelta(days=DUE_DAYS) if due_on is None else check_day(due_on, "dueOn")
    if due < today:
        raise InvalidInputError("dueOn is in the past")
    sending = commands.Sending(due, Language(language.name), expected_version)
    await commands.issue_invoice(info.context.database, caller_of(info), key, sending, key_of(idempotency_key))
    return await _invoice(info, key)


async def record_payment(  # noqa: PLR0913, PLR0917 - the arguments of the mutation
    info: Info,
    invoice_id: InvoiceId,
    amount: Annotated[Decimal, strawberry.argument(description="How much came in, in the invoice's currency.")],
    idempotency_key: Annotated[
        str, strawberry.argument(description="The client's own key; the same key again takes nothing.")
    ],
    method: Annotated[PaymentMethod, strawberry.argument(description="How it came in.")] = PaymentMethod.BANK,
    expected_version: Annotated[
        int | None, strawberry.argument(description="Refuse unless the invoice is at this version.")
    ] = None,
) -> Payment:
    """Take a payment."""
    given = check_text(idempotency_key, "idempotencyKey", 120)
    exact = check_decimal(amount, "amount", 2)
    money = Money(exact, given, Method(method.name))
    key = await commands.record_payment(
        info.context.database, caller_of(info), parse_id(invoice_id, "invoiceId"), money, expected_version
    )
    return Payment.of(await queries.payment_row(info, key))


async def invoice(info: Info, id: InvoiceId) -> Invoice | None:  # noqa: A002 - the argument's name in the schema
    """Return one invoice."""
    row = await queries.invoice_row(info, parse_id(id))
    return None if row is None else Invoice.of(row)


async def invoices(
    info: Info,
    limit: Limit = 20,
    offset: Offset = 0,
    where: Annotated[
        InvoicesWhere | None, strawberry.argument(description="Only invoices that equal all of these.")
    ] = None,
) -> list[Invoice]:
    """Return invoices, newest first."""
    check_page(limit, offset)
    filters: dict[str, Any] = {}
    if where is not None and where.customer_id:
        filters["customer_id"] = parse_id(where.customer_id, "customerId")
    if where is not None and where.status:
        filters["status"] = where.status.value
    rows = await queries.page(info.context.database, queries.INVOICE, "created_at", filters, (limit, offset))
    return [Invoice.of(row) for row in rows]


async def payment(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The key of the payment.")],  # noqa: A002 - the argument's name
) -> Payment | None:
    """Return one payment."""
    row = await queries.payment_row(info, parse_id(id))
    return None if row is None else Payment.of(row)


async def payments(
    info: Info,
    limit: Limit = 20,
    offset: Offset = 0,
    invoice_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Only payments of this invoice.")
    ] = None,
) -> list[Payment]:
    """Return payments, newest first."""
    check_page(limit, offset)
    filters = {} if invoice_id is None else {"invoice_id": parse_id(invoice_id, "invoiceId")}
    rows = await queries.page(info.context.database, queries.PAYMENT, "received_at", filters, (limit, offset))
    return [Payment.of(row) for row in rows]


async def account(
    info: Info,
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Whose account.")],
    currency: Annotated[str, strawberry.argument(description="Three-letter code of the currency.")] = "BDT",
) -> Account | None:
    """Return what a customer was billed, paid and owes."""
    code = check_text(currency, "currency", 3)
    row = await info.context.database.fetchrow(queries.ACCOUNT, parse_id(customer_id, "customerId"), code)
    if row is None:
        return None
    return Account.of(row)


async def history(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The key of an invoice or a payment.")],  # noqa: A002 - the argument's name
) -> list[HistoryEntry]:
    """Return the stored events of an invoice or a payment."""
    rows = await info.context.database.fetch(queries.HISTORY, parse_id(id))
    return [
        HistoryEntry(
            position=row["position"],
            version=row["stream_version"],
            type=row["type"],
            type_version=row["type_version"],
            data=row["data"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
    ]


QUERIES = (
    Operation(name="invoice", description="One invoice by id, or null.", resolver=invoice, roles=READ_INVOICES),
    Operation(name="invoices", description="Invoices, newest first.", resolver=invoices, roles=READ_INVOICES),
    Operation(name="payment", description="One payment by id, or null.", resolver=payment, roles=READ_PAYMENTS),
    Operation(name="payments", description="Payments, newest first.", resolver=payments, roles=READ_PAYMENTS),
    Operation(name="account", description="A customer's balance, or null.", resolver=account, roles=READ_PAYMENTS),
    Operation(
        name="financeHistory",
        description="The stored events of an invoice or a payment, in order.",
        resolver=history,
        roles=READ_HISTORY,
    ),
)
MUTATIONS = (
    Operation(name="createInvoice", description="Draw up an invoice.", resolver=create_invoice, roles=WRITE_INVOICES),
    Operation(
        name="issueInvoice",
        description="Send a draft; from now on it is owed.",
        resolver=issue_invoice,
        roles=WRITE_PAYMENTS,
    ),
    Operation(
        name="recordPayment",
        description="Take a payment for an issued invoice.",
        resolver=record_payment,
        roles=WRITE_PAYMENTS,
    ),
)
