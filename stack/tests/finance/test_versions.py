"""Every old version of every event is upgraded to what the newest code would have stored."""

from decimal import Decimal

import msgspec
import pytest
from erp_harness import Harness

from certify_stack.erp.finance import events, old_versions, samples
from certify_stack.erp.finance.events import decode, encode
from certify_stack.erp.finance.old_versions import OLDER
from certify_stack.erp.finance.upgrades import UPGRADES

OLD = [(kind.__name__, version) for kind, newest in events.VERSIONS.items() for version in range(1, newest)]


def test_every_old_version_has_an_upgrade_and_a_sample_and_nothing_else_has():
    assert set(UPGRADES) == set(OLDER) == set(OLD)


@pytest.mark.parametrize(("kind", "version"), OLD)
def test_what_an_old_version_stored_is_read_as_the_same_event(kind: str, version: int):
    found = 0
    for *_, event in samples.sample_events(1):
        if type(event).__name__ != kind:
            continue
        old = OLDER[kind, version](msgspec.to_builtins(event))
        if old is not None:
            found += 1
            assert old != msgspec.to_builtins(event)
            assert decode(kind, version, msgspec.json.encode(old)) == event
    assert found


def test_the_oldest_invoice_as_it_was_stored():
    line = {"product_id": "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001", "description": "Rice", "quantity": "2.000"}
    line |= {"unit_price": "10.05", "net": "20.10", "vat": "3.02"}
    stored = {"number": "INV-1", "customer_id": line["product_id"], "lines": [line], "net": "20.10", "vat": "3.02"}
    event = decode("InvoiceCreated", 1, msgspec.json.encode(stored | {"vat_rate": "15"}))
    assert isinstance(event, events.InvoiceCreated)
    assert (event.currency, event.duty, event.discount, event.prices_include_tax) == ("BDT", 0, 0, False)
    assert (event.gross, event.lines[0].vat_rate, event.lines[0].treatment) == (Decimal("23.12"), 15, "TAXABLE")
    free = decode("InvoiceCreated", 1, msgspec.json.encode(stored | {"vat_rate": "0"}))
    assert isinstance(free, events.InvoiceCreated)
    assert free.lines[0].treatment == "ZERO_RATED"


def test_what_an_old_version_could_not_say_is_not_stored_as_one():
    event = next(event for *_, event in samples.sample_events(1) if getattr(event, "prices_include_tax", False))
    data = msgspec.to_builtins(event)
    assert OLDER["InvoiceCreated", 1](data) is OLDER["InvoiceCreated", 2](data) is None
    assert old_versions.older(event, 0) is None


def test_the_seed_holds_each_version_of_each_event(erp: Harness):
    rows = erp.sql("SELECT DISTINCT type, type_version FROM events")
    newest = {(kind.__name__, version) for kind, version in events.VERSIONS.items()}
    assert {(row["type"], row["type_version"]) for row in rows} == {*OLD, *newest}


def test_the_seed_is_the_same_each_time():
    first, second = (
        [(*place, encode(event)) for *place, event in samples.sample_events(1)],
        [(*place, encode(event)) for *place, event in samples.sample_events(1)],
    )
    assert first == second
