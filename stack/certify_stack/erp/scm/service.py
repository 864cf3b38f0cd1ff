"""Suppliers and orders placed with them."""

from certify_stack.erp.catalog import COUNTRY, CURRENCY, EMPLOYEE, PRODUCT, SUPPLIER
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    Service,
    choice,
    day,
    decimal,
    foreign,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import STAFF

STATUS = Choice(
    "PurchaseOrderStatus",
    "How far an order has come.",
    {
        "DRAFT": "Not sent.",
        "ORDERED": "Sent to the supplier.",
        "RECEIVED": "The goods are here.",
        "CANCELLED": "Withdrawn.",
    },
)

SERVICE = Service(
    name="scm",
    description="Suppliers, purchase orders and their lines.",
    entities=(
        Entity(
            name="Supplier",
            plural="Suppliers",
            table="supplier",
            description=SUPPLIER.description,
            fields=(
                text("name", "Registered name.", sample="Supplier {}"),
                text("email", "Address for orders.", sample="supplier{}@example.org"),
                foreign("country", COUNTRY, "Where it is."),
                foreign("currency", CURRENCY, "The currency in which it bills."),
                integer("lead_days", "Days from order to delivery."),
            ),
            children=(Children("orders", "PurchaseOrder", "supplier", "Orders placed with it."),),
            filters=("country", "currency"),
        ),
        Entity(
            name="PurchaseOrder",
            plural="PurchaseOrders",
            table="purchase_order",
            description="An order for goods or services.",
            fields=(
                text("number", "Number of the order.", max_length=30, sample="PO-{:05d}"),
                local("supplier", "Supplier", "With whom it is placed."),
                foreign("ordered_by", EMPLOYEE, "Who placed it."),
                choice("status", "How far it has come.", STATUS),
                day("ordered_on", "When it was placed."),
            ),
            children=(Children("lines", "PurchaseOrderLine", "purchase_order", "What is ordered."),),
            filters=("supplier", "ordered_by", "status"),
        ),
        Entity(
            name="PurchaseOrderLine",
            plural="PurchaseOrderLines",
            table="purchase_order_line",
            description="One product in an order.",
            access=Access(delete=STAFF),
            fields=(
                local("purchase_order", "PurchaseOrder", "The order."),
                foreign("product", PRODUCT, "What is ordered."),
                decimal("quantity", "How much, in the product's unit.", scale=3),
                decimal("unit_price", "Price of one unit in the supplier's currency."),
            ),
            filters=("purchase_order", "product"),
        ),
    ),
)
