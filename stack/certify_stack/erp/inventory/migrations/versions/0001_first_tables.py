"""First tables of inventory."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE warehouse (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 20),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            branch_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX warehouse_newest ON warehouse (created_at DESC, id)",
    "CREATE INDEX warehouse_branch_id ON warehouse (branch_id)",
    """
        CREATE TABLE stock_item (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            warehouse_id uuid NOT NULL REFERENCES warehouse (id),
            product_id uuid NOT NULL,
            quantity numeric(18, 3) NOT NULL CHECK (quantity >= 0),
            reorder_level numeric(18, 3) NOT NULL CHECK (reorder_level >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (warehouse_id, product_id)
        )
    """,
    "CREATE INDEX stock_item_newest ON stock_item (created_at DESC, id)",
    "CREATE INDEX stock_item_warehouse_id ON stock_item (warehouse_id)",
    "CREATE INDEX stock_item_product_id ON stock_item (product_id)",
    """
        CREATE TABLE stock_movement (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            stock_item_id uuid NOT NULL REFERENCES stock_item (id),
            kind text NOT NULL CHECK (kind IN ('RECEIPT', 'ISSUE', 'CORRECTION')),
            quantity numeric(18, 3) NOT NULL CHECK (quantity >= 0),
            supplier_id uuid,
            recorded_by_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX stock_movement_newest ON stock_movement (created_at DESC, id)",
    "CREATE INDEX stock_movement_stock_item_id ON stock_movement (stock_item_id)",
    "CREATE INDEX stock_movement_supplier_id ON stock_movement (supplier_id)",
    "CREATE INDEX stock_movement_recorded_by_id ON stock_movement (recorded_by_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("stock_movement")
    op.drop_table("stock_item")
    op.drop_table("warehouse")
