from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: ProductCreateInput!) { createProduct(input: $i) { id kind listPrice vatRate supplier { id } unit { code } } }"


def product(**changes: object) -> dict[str, object]:
    given = {
        "sku": "SKU-9",
        "name": "Rice, 25 kg",
        "kind": "GOOD",
        "unitId": str(sample_id("UnitOfMeasure", 1)),
        "listPrice": "1250.50",
        "vatRate": "7.5",
        "active": True,
    }
    return {"i": given | changes}


class TestMasterData(EntityContract):
    def test_a_product_names_its_supplier_in_scm_and_keeps_exact_amounts(self, erp: Harness):
        supplier = str(sample_id("Supplier", 4))
        made = erp.ask(CREATE, product(supplierId=supplier))["createProduct"]
        assert made["supplier"] == {"id": supplier}
        assert (made["listPrice"], made["vatRate"], made["kind"]) == ("1250.50", "7.50", "GOOD")
        assert made["unit"] == {"code": "U001"}

    def test_a_stock_number_is_given_once(self, erp: Harness):
        erp.ask(CREATE, product(sku="SKU-10"))
        assert erp.refusal(CREATE, product(sku="SKU-10")) == "CONFLICT"

    def test_a_unit_in_use_stays(self, erp: Harness):
        unit = {"id": str(sample_id("UnitOfMeasure", 1))}
        assert erp.refusal("mutation($id: ID!) { deleteUnitOfMeasure(id: $id) }", unit) == "CONFLICT"

    def test_prices_with_three_decimals_are_refused_not_rounded(self, erp: Harness):
        assert erp.refusal(CREATE, product(sku="SKU-11", listPrice="1.005")) == "BAD_USER_INPUT"

    def test_clerks_keep_products_but_not_currencies(self, erp: Harness):
        erp.ask(CREATE, product(sku="SKU-12"), role="clerk")
        currency = 'mutation { createCurrency(input: {code: "BDT", name: "Taka", minorUnits: 2}) { id } }'
        assert erp.refusal(currency, role="clerk") == "FORBIDDEN"
