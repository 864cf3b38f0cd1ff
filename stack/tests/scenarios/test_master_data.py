"""Customers and products are asked for in one place, the gateway, whoever owns what is told of them."""

from typing import Any

import pytest

pytestmark = pytest.mark.scenario("master-data")

CUSTOMER = """
query ($id: ID!) {
  customer(id: $id) { id name email phone status creditLimit currency { id code name } country { id name } }
}
"""
PRODUCTS = "{ products(limit: 20) { id sku name unit { id name } listPrice vatRate supplier { id name } } }"
PRODUCT = (
    "query ($id: ID!) { product(id: $id) { id sku name unit { id name } listPrice vatRate supplier { id name } } }"
)
INVOICE = """
query ($id: ID!) {
  invoice(id: $id) { customer { name email currency { code } } lines { product { sku name listPrice } } }
}
"""


@pytest.mark.notices("amount")
def test_a_customer_of_crm_has_currency_and_country_of_master_data(business: Any, gateway: Any, user: Any) -> None:
    customer = gateway.query(CUSTOMER, user("clerk"), id=business.customer["id"])["customer"]
    assert (customer["name"], customer["email"]) == (business.customer["name"], business.email)
    assert customer["creditLimit"] == "100000.00"
    assert customer["country"] == business.known["countries"][0]
    assert customer["currency"]["code"] == business.known["currencies"][0]["code"]


def test_products_are_found_one_by_one_as_they_are_listed(gateway: Any, user: Any) -> None:
    listed = gateway.query(PRODUCTS, user("clerk"))["products"]
    assert len(listed) == 20
    for product in listed[:5]:
        assert gateway.query(PRODUCT, user("clerk"), id=product["id"])["product"] == product
    # The unit is master-data's own, the supplier is scm's.
    assert all(product["unit"]["name"] for product in listed)
    assert any(product["supplier"] and product["supplier"]["name"] for product in listed)


def test_an_invoice_of_finance_leads_to_both(business: Any, gateway: Any, user: Any) -> None:
    made = business.draw_up()
    invoice = gateway.query(INVOICE, user("accountant"), id=made["id"])["invoice"]
    assert invoice["customer"]["email"] == business.email
    assert invoice["customer"]["currency"]["code"] == business.known["currencies"][0]["code"]
    names = [line["product"]["name"] for line in invoice["lines"]]
    assert names == [product["name"] for product in business.known["products"]]
    assert all(line["product"]["sku"] for line in invoice["lines"])
