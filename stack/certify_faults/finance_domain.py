"""Faults that scenarios of the finance domain must notice: wrong tax, lost poisha, numbers of the wrong form, money twice.

Each changes one function in one service's own process before it serves.
"""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace
from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_stack.erp import tax_numbers
from certify_stack.erp.document_generator import forms, mushak
from certify_stack.erp.finance import commands, tax
from certify_stack.erp.finance.invoice import Money
from certify_stack.erp.finance.money import CENT, exact
from certify_stack.kit.settings import Settings

FINANCE, CRM, DOCUMENTS = "finance", "crm", "document-generator"
TARGETS = {"short_bin_accepted": CRM, "mushak_series_with_gaps": DOCUMENTS, "printed_total_lacks_duty": DOCUMENTS}


def vat_without_duty(app: Starlette, name: str, settings: Settings) -> None:
    """Value added tax is charged on the net value alone, as if supplementary duty were no part of it."""
    del app, settings
    if name == FINANCE:
        tax.vat_base = _net_alone


def round_half_even(app: Starlette, name: str, settings: Settings) -> None:
    """Halves are rounded to the even neighbour, as Python does if nobody says otherwise."""
    del app, settings
    if name == FINANCE:
        tax.to_cents = _to_even  # type: ignore[attr-defined] # the name that tax itself uses


def tax_by_float(app: Starlette, name: str, settings: Settings) -> None:
    """Tax on prices that exclude it is computed in binary floating point."""
    del app, settings
    if name == FINANCE:
        tax.vat_on = _by_float


def short_bin_accepted(app: Starlette, name: str, settings: Settings) -> None:
    """A BIN may have one digit less than it must."""
    del app, settings
    if name == CRM:
        tax_numbers._checked = _lenient  # noqa: SLF001 - the fault is in the midst of it


def mushak_series_with_gaps(app: Starlette, name: str, settings: Settings) -> None:
    """Each tax invoice takes two numbers of its series."""
    del app, settings
    if name == DOCUMENTS:
        forms.next_serial = _two_at_once


def printed_total_lacks_duty(app: Starlette, name: str, settings: Settings) -> None:
    """The printed tax invoice says nothing of the duty in its last row; the web page does."""
    del app, settings
    if name == DOCUMENTS:
        mushak.pdf_of = _without_duty  # type: ignore[attr-defined] # the name that mushak itself uses


def payment_counts_twice(app: Starlette, name: str, settings: Settings) -> None:
    """A payment that is sent again is another payment: its key is not what the client gave."""
    del app, settings
    if name == FINANCE:
        commands.record_payment = _with_another_key


def _net_alone(net: Decimal, duty: Decimal) -> Decimal:  # noqa: ARG001 - that is the fault
    return net


def _to_even(amount: Decimal) -> Decimal:
    return exact(amount).quantize(CENT, rounding=ROUND_HALF_EVEN)


def _by_float(base: Decimal, rate: Decimal) -> Decimal:
    return Decimal(f"{float(base) * float(rate) / 100:.2f}")


_strict = tax_numbers._checked  # noqa: SLF001 - as above


def _lenient(value: str, what: str, name: str, count: int) -> str:
    return value if name == "BIN" and len(value) == count - 1 else _strict(value, what, name, count)


_next = forms.next_serial


async def _two_at_once(connection: Any, supplier_bin: str, year: str) -> int:
    await _next(connection, supplier_bin, year)
    return await _next(connection, supplier_bin, year)


_pdf_of = mushak.pdf_of  # type: ignore[attr-defined] # as above
DUTY = 7


def _without_duty(template: Path, data: Any, moment: datetime) -> bytes:
    total = ["" if place == DUTY else text for place, text in enumerate(data.total)]
    printed: bytes = _pdf_of(template, replace(data, total=tuple(total)), moment)
    return printed


_once = commands.record_payment


async def _with_another_key(
    database: Any, caller: commands.Caller, invoice_id: UUID, money: Money, expected: int | None = None
) -> UUID:
    another = Money(money.amount, f"{money.key[:80]}-{uuid4()}", money.method)
    return await _once(database, caller, invoice_id, another, expected)


def _fault(name: str, breaks: str, overlay: Any, scenario: str, also: tuple[str, ...] = ()) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(f"scenario.{scenario}",),
        target=TARGETS.get(overlay.__name__, FINANCE),
        overlay=f"{__name__}:{overlay.__name__}",
        also=("scenario.passes", *also),
        options={"scenario": {"scenarios": [scenario]}},
    )


FAULTS = (
    _fault("vat-on-wrong-base", "value added tax is charged without supplementary duty", vat_without_duty, "vat"),
    _fault(
        "half-even-rounding",
        "halves of a poisha are rounded to even where half-up is stated",
        round_half_even,
        "vat",
        ("scenario.amounts", "scenario.invoice-to-audit"),
    ),
    _fault(
        "tax-by-float",
        "tax is computed in binary floating point",
        tax_by_float,
        "amounts",
        ("scenario.vat", "scenario.invoice-to-audit"),
    ),
    _fault("short-bin-accepted", "a BIN of 12 digits is accepted", short_bin_accepted, "tax-numbers"),
    _fault("mushak-series-with-gaps", "the numbers of tax invoices have gaps", mushak_series_with_gaps, "mushak"),
    _fault(
        "printed-total-lacks-duty",
        "the printed tax invoice lacks the total of the supplementary duty",
        printed_total_lacks_duty,
        "mushak",
    ),
    _fault(
        "payment-counts-twice",
        "a payment that is sent again counts twice",
        payment_counts_twice,
        "ledger",
        ("scenario.invoice-to-audit", "scenario.amounts", "load.effects"),
    ),
)
