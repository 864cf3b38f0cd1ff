from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestProjectManagement(EntityContract):
    def test_hours_on_a_task_are_billed_by_an_invoice(self, erp: Harness):
        invoice, employee = str(sample_id("Invoice", 5)), str(sample_id("Employee", 2))
        given = {
            "taskId": str(sample_id("ProjectTask", 4)),
            "employeeId": employee,
            "invoiceId": invoice,
            "workedOn": "2026-05-04",
            "hours": "7.75",
        }
        query = (
            "mutation($i: TimeEntryCreateInput!) { createTimeEntry(input: $i) "
            "{ hours invoice { id } employee { id } task { project { customer { id } } } } }"
        )
        made = erp.ask(query, {"i": given}, role="clerk")["createTimeEntry"]
        assert (made["hours"], made["invoice"], made["employee"]) == ("7.75", {"id": invoice}, {"id": employee})
        assert made["task"] == {"project": {"customer": {"id": str(sample_id("Customer", 4))}}}

    def test_auditors_change_nothing(self, erp: Harness):
        remove = f'mutation {{ deleteTimeEntry(id: "{sample_id("TimeEntry", 1)}") }}'
        assert erp.refusal(remove, role="auditor") == "FORBIDDEN"
        assert erp.ask(remove, role="clerk") == {"deleteTimeEntry": True}
