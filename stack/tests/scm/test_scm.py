from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: PurchaseOrderLineCreateInput!) { createPurchaseOrderLine(input: $i) { quantity unitPrice product { id } } }"


class TestScm(EntityContract):
    def test_an_order_line_names_a_product_and_keeps_three_decimals(self, erp: Harness):
        product = str(sample_id("Product", 9))
        given = {
            "purchaseOrderId": str(sample_id("PurchaseOrder", 2)),
            "productId": product,
            "quantity": "0.125",
            "unitPrice": "99.99",
        }
        made = erp.ask(CREATE, {"i": given}, role="clerk")["createPurchaseOrderLine"]
        assert made == {"quantity": "0.125", "unitPrice": "99.99", "product": {"id": product}}
        assert erp.refusal(CREATE, {"i": given | {"quantity": "0.1255"}}) == "BAD_USER_INPUT"

    def test_a_supplier_has_orders_with_lines(self, erp: Harness):
        query = "query($id: ID!) { supplier(id: $id) { orders { number lines { product { id } } orderedBy { id } } } }"
        orders = erp.ask(query, {"id": str(sample_id("Supplier", 6))})["supplier"]["orders"]
        assert orders == [
            {
                "number": "PO-00006",
                "lines": [{"product": {"id": str(sample_id("Product", 6))}}],
                "orderedBy": {"id": str(sample_id("Employee", 6))},
            }
        ]

    def test_services_order_nothing(self, erp: Harness):
        assert (
            erp.refusal(f'mutation {{ deletePurchaseOrder(id: "{sample_id("PurchaseOrder", 1)}") }}', role="service")
            == "FORBIDDEN"
        )
