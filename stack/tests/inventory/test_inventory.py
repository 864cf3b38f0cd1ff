from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestInventory(EntityContract):
    def test_stock_of_a_product_lies_in_a_warehouse_of_a_branch(self, erp: Harness):
        query = "query($id: ID!) { stockItem(id: $id) { product { id } quantity warehouse { code branch { id } } } }"
        found = erp.ask(query, {"id": str(sample_id("StockItem", 7))}, role="service")["stockItem"]
        assert found["product"] == {"id": str(sample_id("Product", 7))}
        assert found["warehouse"] == {"code": "WH-007", "branch": {"id": str(sample_id("Branch", 7))}}
        assert found["quantity"] == "7.750"

    def test_a_product_has_one_stock_in_a_warehouse(self, erp: Harness):
        given = {
            "warehouseId": str(sample_id("Warehouse", 7)),
            "productId": str(sample_id("Product", 7)),
            "quantity": "1",
            "reorderLevel": "0",
        }
        query = "mutation($i: StockItemCreateInput!) { createStockItem(input: $i) { id } }"
        assert erp.refusal(query, {"i": given}) == "CONFLICT"

    def test_movements_are_never_changed(self, erp: Harness):
        key = sample_id("StockMovement", 1)
        for name in ("updateStockMovement", "deleteStockMovement"):
            assert erp.refusal(f'mutation {{ {name}(id: "{key}") }}') == "GRAPHQL_VALIDATION_FAILED"
        assert erp.refusal("mutation { deleteWarehouse(id: 1) }", role="clerk") == "FORBIDDEN"
