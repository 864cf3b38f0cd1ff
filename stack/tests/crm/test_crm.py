from uuid import uuid4

import pytest
from erp_contract import EntityContract
from erp_harness import Harness
from erp_tax_numbers import BINS, TINS

from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: ContactCreateInput!) { createContact(input: $i) { id customer { name } } }"


class TestCrm(EntityContract):
    def test_a_customer_is_billed_in_a_currency_of_master_data(self, erp: Harness):
        currency = str(sample_id("Currency", 3))
        given = {
            "name": "Karim & Sons",
            "email": "k@example.org",
            "status": "ACTIVE",
            "creditLimit": "50000",
            "currencyId": currency,
        }
        query = "mutation($i: CustomerCreateInput!) { createCustomer(input: $i) { creditLimit currency { id } phone country { id } } }"
        made = erp.ask(query, {"i": given}, role="clerk")["createCustomer"]
        assert made == {"creditLimit": "50000.00", "currency": {"id": currency}, "phone": None, "country": None}

    def test_a_contact_needs_a_customer_that_exists(self, erp: Harness):
        given = {"name": "Rahima", "email": "r@example.org", "customerId": str(sample_id("Customer", 1))}
        assert erp.ask(CREATE, {"i": given})["createContact"]["customer"] == {"name": "Customer 1"}
        assert erp.refusal(CREATE, {"i": given | {"customerId": str(uuid4())}}) == "CONFLICT"

    def test_only_possible_statuses_are_taken(self, erp: Harness):
        query = "mutation($id: ID!, $i: CustomerUpdateInput!) { updateCustomer(id: $id, input: $i) { status } }"
        key = {"id": str(sample_id("Customer", 1))}
        assert erp.ask(query, key | {"i": {"status": "BLOCKED"}})["updateCustomer"] == {"status": "BLOCKED"}
        assert erp.graphql(query, key | {"i": {"status": "GONE"}})["errors"]

    def test_many_references_are_read_with_one_statement(self, erp: Harness):
        refs = [{"__typename": "Customer", "id": str(sample_id("Customer", number))} for number in range(20)]
        query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { name } } }"
        with erp.watching() as statements:
            assert len(erp.ask(query, {"r": refs})["_entities"]) == 20
        assert len(statements) == 1

    def test_auditors_read_and_change_nothing(self, erp: Harness):
        assert erp.ask("{ customers(limit: 1) { name } }", role="auditor")["customers"]
        remove = f'mutation {{ deleteCustomer(id: "{sample_id("Customer", 1)}") }}'
        assert erp.refusal(remove, role="auditor") == "FORBIDDEN"

    @pytest.mark.parametrize(("field", "number", "good"), [*TINS, *BINS])
    def test_the_tax_numbers_of_a_customer_have_their_form(self, erp: Harness, field: str, number: str, good: bool):  # noqa: FBT001 - the case
        create = "mutation($i: CustomerCreateInput!) { createCustomer(input: $i) { taxNumber bin } }"
        given = {"name": "Number", "email": "n@example.org", "status": "ACTIVE", "creditLimit": "1.00"}
        asked = {"i": {**given, "currencyId": str(sample_id("Currency", 1)), field: number}}
        if good:
            assert erp.ask(create, asked)["createCustomer"][field] == number
        else:
            assert erp.refusal(create, asked) == "BAD_USER_INPUT"
