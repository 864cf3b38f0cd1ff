"""Events as earlier versions of the code stored them, so that sample data exercises every upgrade."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from certify_stack.erp.finance.events import Event
from certify_stack.erp.finance.upgrades import TAKA

Data = dict[str, Any]


def _created_2(data: Data) -> Data | None:
    """Nothing of what version 3 added may be said by the event."""
    said = (line["duty_rate"] != "0" or line["discount"] != "0.00" for line in data["lines"])
    if data["prices_include_tax"] or any(said):
        return None
    lines = [_without(line, "treatment", "duty_rate", "duty", "discount") for line in data["lines"]]
    return {**_without(data, "duty", "discount", "prices_include_tax"), "lines": lines}


def _created_1(data: Data) -> Data | None:
    """And all lines must have the same rate."""
    if (second := _created_2(data)) is None or len({line["vat_rate"] for line in second["lines"]}) != 1:
        return None
    lines = [_without(line, "vat_rate") for line in second["lines"]]
    return {**_without(second, "currency"), "lines": lines, "vat_rate": second["lines"][0]["vat_rate"]}


def _issued_1(data: Data) -> Data | None:
    return _without(data, "language") if data["language"] == "ENGLISH" else None


def _received_1(data: Data) -> Data | None:
    return _without(data, "method") if data["method"] == "BANK" else None


def _opened_1(data: Data) -> Data | None:
    rest = _without(data, "currency", "credit_limit")
    return {**rest, "limit": data["credit_limit"] or "0"} if data["currency"] == TAKA else None


def _posted_1(data: Data) -> Data | None:
    lines = [
        {"account": line["account"], "amount": str(Decimal(line["debit"]) - Decimal(line["credit"]))}
        for line in data["lines"]
    ]
    return {**_without(data, "currency"), "lines": lines} if data["currency"] == TAKA else None


def _without(data: Data, *names: str) -> Data:
    return {key: value for key, value in data.items() if key not in names}


# (type, version) -> the event's data as that version stored it, or None where it could not have.
OLDER: Mapping[tuple[str, int], Callable[[Data], Data | None]] = {
    ("InvoiceCreated", 1): _created_1,
    ("InvoiceCreated", 2): _created_2,
    ("InvoiceIssued", 1): _issued_1,
    ("PaymentReceived", 1): _received_1,
    ("CustomerAccountOpened", 1): _opened_1,
    ("JournalEntryPosted", 1): _posted_1,
}


def older(event: Event, number: int) -> tuple[int, Data] | None:
    """Return one sample in three in an old version, the version by turns; None: in the newest one."""
    name = type(event).__name__
    versions = sorted(version for kind, version in OLDER if kind == name)
    if number % 3 or not versions:
        return None
    version = versions[number // 3 % len(versions)]
    data = OLDER[name, version](msgspec.to_builtins(event))
    return None if data is None else (version, data)
