"""Warehouses, what lies in them and what moved."""

from certify_stack.erp.catalog import BRANCH, PRODUCT, SUPPLIER, USER
from certify_stack.kit.model import Access, Children, Choice, Entity, Service, choice, decimal, foreign, local, text
from certify_stack.kit.roles import ADMINS, MACHINES, STAFF

KIND = Choice(
    "MovementKind",
    "Why stock changed.",
    {"RECEIPT": "Goods came in.", "ISSUE": "Goods went out.", "CORRECTION": "A count found something else."},
)

SERVICE = Service(
    name="inventory",
    description="Warehouses, stock and stock movements.",
    entities=(
        Entity(
            name="Warehouse",
            plural="Warehouses",
            table="warehouse",
            description="A place where goods lie.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("code", "Short name.", max_length=20, sample="WH-{:03d}"),
                text("name", "What people call the warehouse.", sample="Warehouse {}"),
                foreign("branch", BRANCH, "The branch it belongs to."),
            ),
            children=(Children("stock", "StockItem", "warehouse", "What lies there."),),
            filters=("branch",),
        ),
        Entity(
            name="StockItem",
            plural="StockItems",
            table="stock_item",
            description="How much of a product lies in a warehouse.",
            fields=(
                local("warehouse", "Warehouse", "Where it lies."),
                foreign("product", PRODUCT, "What lies there."),
                decimal("quantity", "How much, in the product's unit.", scale=3),
                decimal("reorder_level", "The quantity below which more is ordered.", scale=3),
            ),
            filters=("warehouse", "product"),
        ),
        Entity(
            name="StockMovement",
            plural="StockMovements",
            table="stock_movement",
            description="A change of stock; never changed itself.",
            access=Access(create=STAFF | MACHINES, update=None, delete=None),
            fields=(
                local("stock_item", "StockItem", "What changed."),
                choice("kind", "Why.", KIND),
                decimal("quantity", "By how much, in the product's unit.", scale=3),
                foreign("supplier", SUPPLIER, "Who delivered it.", required=False),
                foreign("recorded_by", USER, "Who wrote it down."),
            ),
            filters=("stock_item", "supplier", "recorded_by"),
        ),
    ),
)
