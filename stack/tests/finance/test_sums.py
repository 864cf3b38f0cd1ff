"""Sums of each day, as other services ask for them."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from erp_harness import Harness

AMOUNTS = ("net", "duty", "vat", "gross", "paid")
WHOLE = """
    SELECT count(*) AS invoices, sum(net) AS net, sum(duty) AS duty, sum(vat) AS vat, sum(gross) AS gross, sum(paid) AS paid
    FROM invoice_view WHERE currency = $1
"""


def asked(erp: Harness, role: str = "service", **given: str) -> httpx.Response:
    token = erp.token("service", "document-generator") if role == "service" else erp.token(role)
    return erp.get("/invoice-sums", params=given, headers={"authorization": f"Bearer {token}"})


def test_the_days_of_a_period_come_to_what_all_invoices_do(erp: Harness):
    days: list[dict[str, Any]] = asked(erp, first="2025-07-01", last="2026-06-30", currency="BDT").json()
    [whole] = erp.sql(WHOLE, "BDT")
    assert sum(day["invoices"] for day in days) == whole["invoices"] > 0
    for name in AMOUNTS:
        assert sum(Decimal(day[name]) for day in days) == whole[name]
    assert [day["day"] for day in days] == sorted(day["day"] for day in days)


def test_a_day_begins_at_midnight_in_dhaka(erp: Harness):
    days = asked(erp, first="2025-07-01", last="2026-06-30", currency="BDT").json()
    [first] = erp.sql(
        "SELECT (created_at AT TIME ZONE 'Asia/Dhaka')::date AS day, count(*) AS invoices FROM invoice_view "
        "WHERE currency = 'BDT' GROUP BY day ORDER BY day LIMIT 1"
    )
    alone = asked(erp, first=days[0]["day"], last=days[0]["day"], currency="BDT").json()
    assert alone == days[:1]
    assert (days[0]["day"], days[0]["invoices"]) == (first["day"].isoformat(), first["invoices"])


def test_a_period_without_invoices_is_empty(erp: Harness):
    assert asked(erp, first="9999-12-31", last="9999-12-31", currency="BDT").json() == []


@pytest.mark.parametrize(
    "given",
    [
        {"first": "2026-01-02", "last": "2026-01-01", "currency": "BDT"},
        {"first": "2025-01-01", "last": "2026-01-02", "currency": "BDT"},
        {"first": "yesterday", "last": "2026-01-01", "currency": "BDT"},
        {"first": "2026-01-01", "last": "2026-01-01", "currency": ""},
    ],
)
def test_what_is_no_period_is_refused(erp: Harness, given: dict[str, str]):
    assert asked(erp, **given).status_code == 422


def test_sums_are_for_services(erp: Harness):
    assert asked(erp, "accountant", first="2026-01-01", last="2026-01-01", currency="BDT").status_code == 403
