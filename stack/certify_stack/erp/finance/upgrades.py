"""Old versions of events, brought to the next one: pure functions of the stored data, applied one after the other."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from certify_stack.erp.finance.money import ZERO
from certify_stack.erp.finance.tax import treatment_of

Data = dict[str, Any]
TAKA = "BDT"


def _created_2(data: Data) -> Data:
    """Version 1 had one tax rate for the whole invoice and knew only the taka."""
    rate = data["vat_rate"]
    lines = [{**line, "vat_rate": rate} for line in data["lines"]]
    return {**_without(data, "vat_rate"), "lines": lines, "currency": TAKA}


def _created_3(data: Data) -> Data:
    """Version 2 knew no supplementary duty and no discounts, and a rate of 0 could only mean zero-rated."""
    nothing = str(ZERO)
    lines = [
        {
            **line,
            "treatment": treatment_of(Decimal(line["vat_rate"])),
            "duty_rate": "0",
            "duty": nothing,
            "discount": nothing,
        }
        for line in data["lines"]
    ]
    return {**data, "lines": lines, "duty": nothing, "discount": nothing, "prices_include_tax": False}


def _issued_2(data: Data) -> Data:
    """Version 1 knew only invoices in English."""
    return {**data, "language": "ENGLISH"}


def _received_2(data: Data) -> Data:
    """Version 1 knew only transfers between banks."""
    return {**data, "method": "BANK"}


def _opened_2(data: Data) -> Data:
    """Version 1 knew only the taka, and a limit of 0 meant none."""
    limit = data["limit"] if Decimal(data["limit"]) else None
    return {**_without(data, "limit"), "credit_limit": limit, "currency": TAKA}


def _posted_2(data: Data) -> Data:
    """Version 1 knew only the taka, and its amounts were credits where they were negative."""
    return {**data, "lines": [_two_sided(line) for line in data["lines"]], "currency": TAKA}


def _two_sided(line: Data) -> Data:
    amount = Decimal(line["amount"])
    return {"account": line["account"], "debit": str(max(amount, ZERO)), "credit": str(max(-amount, ZERO))}


def _without(data: Data, *names: str) -> Data:
    return {key: value for key, value in data.items() if key not in names}


# (type, stored version) -> data of the next version.
UPGRADES: Mapping[tuple[str, int], Callable[[Data], Data]] = {
    ("InvoiceCreated", 1): _created_2,
    ("InvoiceCreated", 2): _created_3,
    ("InvoiceIssued", 1): _issued_2,
    ("PaymentReceived", 1): _received_2,
    ("CustomerAccountOpened", 1): _opened_2,
    ("JournalEntryPosted", 1): _posted_2,
}
