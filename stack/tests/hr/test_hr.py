from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestHr(EntityContract):
    def test_an_employee_works_in_a_department_and_reports_to_somebody(self, erp: Harness):
        query = "query($id: ID!) { employee(id: $id) { number department { id } user { id } manager { number manager { number } } } }"
        found = erp.ask(query, {"id": str(sample_id("Employee", 13))}, role="clerk")["employee"]
        assert found["department"] == {"id": str(sample_id("Department", 13))}
        assert found["user"] == {"id": str(sample_id("User", 13))}
        assert found["manager"] == {"number": "E00006", "manager": {"number": "E00003"}}

    def test_salaries_are_not_for_clerks(self, erp: Harness):
        query = "{ employmentContracts(limit: 2) { monthlySalary currency { id } } }"
        assert erp.refusal(query, role="clerk") == "FORBIDDEN"
        assert len(erp.ask(query, role="accountant")["employmentContracts"]) == 2

    def test_nobody_is_removed_who_leads_others(self, erp: Harness):
        query = f'mutation {{ deleteEmployee(id: "{sample_id("Employee", 3)}") }}'
        assert erp.refusal(query) == "CONFLICT"
