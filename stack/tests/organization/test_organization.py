import pytest
from erp_contract import EntityContract
from erp_harness import Harness
from erp_tax_numbers import BINS, TINS

from certify_stack.erp.samples import sample_id


class TestOrganization(EntityContract):
    def test_a_company_has_branches_departments_and_books_in_a_currency(self, erp: Harness):
        query = "query($id: ID!) { company(id: $id) { currency { id } country { id } branches { code } departments { head { id } } } }"
        found = erp.ask(query, {"id": str(sample_id("Company", 2))}, role="clerk")["company"]
        assert found["currency"] == {"id": str(sample_id("Currency", 2))}
        assert [branch["code"] for branch in found["branches"]] == ["BR-002", "BR-006", "BR-010", "BR-014", "BR-018"]
        assert found["departments"][0] == {"head": {"id": str(sample_id("Employee", 2))}}

    def test_only_admins_found_companies(self, erp: Harness):
        given = {
            "name": "New",
            "taxNumber": "224187378587",
            "countryId": str(sample_id("Country", 1)),
            "currencyId": str(sample_id("Currency", 1)),
        }
        query = "mutation($i: CompanyCreateInput!) { createCompany(input: $i) { name } }"
        assert erp.refusal(query, {"i": given}, role="accountant") == "FORBIDDEN"
        assert erp.ask(query, {"i": given})["createCompany"] == {"name": "New"}

    @pytest.mark.parametrize(("field", "number", "good"), [*TINS, *BINS])
    def test_the_tax_numbers_of_a_company_have_their_form(self, erp: Harness, field: str, number: str, good: bool):  # noqa: FBT001 - the case
        change = "mutation($id: ID!, $i: CompanyUpdateInput!) { updateCompany(id: $id, input: $i) { taxNumber bin } }"
        given = {"id": str(sample_id("Company", 1)), "i": {field: number}}
        if good:
            assert erp.ask(change, given)["updateCompany"][field] == number
        else:
            assert erp.refusal(change, given) == "BAD_USER_INPUT"
