from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from certify_stack.erp.finance import events, invoice, money, views
from certify_stack.erp.finance.events import (
    InvoiceCreated,
    InvoiceIssued,
    InvoicePaymentApplied,
    PaymentReceived,
    Recorded,
    UnknownEventError,
    decode,
    encode,
)
from certify_stack.erp.finance.invoice import Item, Money, Status
from certify_stack.erp.finance.projection import ProjectionError, project, reads
from certify_stack.erp.finance.rows import BalanceRow, InvoiceRow, LineRow, PaymentRow
from certify_stack.erp.finance.tax import Treatment
from certify_stack.kit.errors import ConflictError, InvalidInputError

CUSTOMER, PRODUCT, STREAM, PAYMENT = (UUID(int=number) for number in range(1, 5))
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def item(quantity: str = "1", price: str = "100.00", rate: str = "15") -> Item:
    return Item(PRODUCT, "Rice", Decimal(quantity), Decimal(price), Decimal(rate))


def created(*items: Item) -> InvoiceCreated:
    return invoice.create("INV-00000001", CUSTOMER, "BDT", items or (item(),))


def issued() -> invoice.Invoice:
    state = invoice.apply(None, created())
    return invoice.apply(state, invoice.issue(state, date(2026, 6, 1)))


def test_an_invoice_is_the_sum_of_its_rounded_lines():
    drawn = created(item("3", "0.35", "10"), item("3", "0.35", "10"))
    assert (drawn.net, drawn.vat) == (Decimal("2.10"), Decimal("0.22"))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item()] * 201,
        [item(rate="12")],
        [item(quantity="0")],
        [item("999999999999.999", "999999999999.99")],
        [item("100", "99999999999999.99")],
        [replace(item(), discount=Decimal("100.01"))],
        [replace(item(), discount_percent=Decimal("100.01"))],
        [replace(item(), discount=Decimal(1), discount_percent=Decimal(1))],
        [replace(item(), treatment=Treatment.EXEMPT)],
        [replace(item(), duty_rate=Decimal("500.01"))],
    ],
)
def test_an_invoice_that_breaks_a_rule_is_not_drawn_up(items: list[Item]):
    with pytest.raises(InvalidInputError):
        invoice.create("INV-1", CUSTOMER, "BDT", items)


@pytest.mark.parametrize("currency", ["bdt", "BD", "TAKA", "B1T", "ÄÖÜ", ""])
def test_a_currency_is_three_capital_letters(currency: str):
    with pytest.raises(InvalidInputError):
        invoice.create("INV-1", CUSTOMER, currency, [item()])


def test_a_draft_is_issued_once():
    state = invoice.apply(None, created())
    assert (state.status, state.version, state.open) == (Status.DRAFT, 1, Decimal("115.00"))
    with pytest.raises(ConflictError):
        invoice.issue(issued(), date(2026, 6, 1))


def test_payments_make_an_invoice_partly_then_wholly_paid():
    state = issued()
    for amount, status in (("15.00", Status.PARTLY_PAID), ("100.00", Status.PAID)):
        received, applied = invoice.pay(STREAM, state, PAYMENT, Money(Decimal(amount), "k"))
        assert (received.invoice_id, received.amount, applied.payment_id) == (STREAM, Decimal(amount), PAYMENT)
        state = invoice.apply(state, applied)
        assert state.status is status
    assert (state.open, state.version) == (money.ZERO, 4)
    with pytest.raises(ConflictError):
        invoice.pay(STREAM, state, PAYMENT, Money(Decimal(1), "k"))


@pytest.mark.parametrize("amount", ["0", "-1", "115.01"])
def test_a_payment_is_above_zero_and_not_above_what_is_owed(amount: str):
    with pytest.raises(InvalidInputError):
        invoice.pay(STREAM, issued(), PAYMENT, Money(Decimal(amount), "k"))


def test_a_draft_takes_no_payment():
    with pytest.raises(ConflictError):
        invoice.pay(STREAM, invoice.apply(None, created()), PAYMENT, Money(Decimal(1), "k"))


def test_a_stream_starts_with_a_creation_and_has_only_one():
    with pytest.raises(ValueError, match="before InvoiceCreated"):
        invoice.apply(None, InvoiceIssued(CUSTOMER, "BDT", Decimal(1), date(2026, 6, 1)))
    with pytest.raises(ValueError, match="not an event"):
        invoice.apply(issued(), created())
    assert invoice.replay([]) is None


@pytest.mark.parametrize(
    "event",
    [
        created(item(), item("0.125", "0.36", "5")),
        InvoiceIssued(CUSTOMER, "BDT", Decimal("115.00"), date(2026, 6, 1)),
        InvoicePaymentApplied(PAYMENT, CUSTOMER, "BDT", Decimal("0.10")),
        PaymentReceived(STREAM, CUSTOMER, "BDT", Decimal("0.10"), "key"),
    ],
)
def test_events_survive_storage_exactly(event: events.Event):
    assert decode(*encode(event)) == event


@pytest.mark.parametrize(("kind", "version"), [("Unheard", 1), ("InvoiceIssued", 0), ("InvoiceIssued", 3)])
def test_events_of_unknown_type_or_version_are_refused(kind: str, version: int):
    with pytest.raises(UnknownEventError):
        decode(kind, version, "{}")


def history() -> list[Recorded]:
    received, applied = invoice.pay(STREAM, issued(), PAYMENT, Money(Decimal("15.00"), "key"))
    sequence = [
        (STREAM, 1, created(item(), item())),
        (STREAM, 2, InvoiceIssued(CUSTOMER, "BDT", Decimal("230.00"), date(2026, 6, 1))),
        (PAYMENT, 1, received),
        (STREAM, 3, applied),
    ]
    return [Recorded(position, *place, NOW, event) for position, (*place, event) in enumerate(sequence, 1)]


def test_read_models_follow_from_events():
    rows: dict = {}
    for recorded in history():
        views.fold(rows, recorded.position - 1, recorded)
    row = rows[InvoiceRow, (STREAM,)]
    assert (row.status, row.paid, row.gross, row.version) == ("PARTLY_PAID", Decimal("15.00"), Decimal("230.00"), 3)
    assert (row.created_at, row.issued_at, row.due_on) == (NOW, NOW, date(2026, 6, 1))
    assert rows[LineRow, (STREAM, 2)].product_id == PRODUCT
    assert rows[PaymentRow, (PAYMENT,)].idempotency_key == "key"
    balance = rows[BalanceRow, (CUSTOMER, "BDT")]
    assert (balance.invoiced, balance.paid, balance.balance) == (Decimal(230), Decimal(15), Decimal(215))


def test_events_seen_twice_change_nothing():
    once: dict = {}
    twice: dict = {}
    seen = again = 0
    for recorded in history():
        seen = views.fold(once, seen, recorded)
        for _ in range(2):
            again = views.fold(twice, again, recorded)
    assert (once, seen) == (twice, again)


def test_projecting_needs_only_the_rows_that_reads_names():
    rows: dict = {}
    for recorded in history():
        narrow = {key: rows[key] for key in reads(recorded) if key in rows}
        assert project(narrow, recorded) == project(rows, recorded)
        views.fold(rows, recorded.position - 1, recorded)


def test_an_event_of_an_invoice_that_nobody_created_is_an_error():
    with pytest.raises(ProjectionError, match="which no event created"):
        project({}, history()[1])
