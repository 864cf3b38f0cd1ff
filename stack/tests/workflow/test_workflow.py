from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestWorkflow(EntityContract):
    def test_a_task_of_a_case_waits_for_an_employee(self, erp: Harness):
        case, employee = str(sample_id("WorkflowCase", 6)), str(sample_id("Employee", 11))
        given = {"caseId": case, "assigneeId": employee, "step": 2, "state": "OPEN"}
        query = "mutation($i: WorkflowTaskCreateInput!) { createWorkflowTask(input: $i) { id assignee { id } case { subject } } }"
        made = erp.ask(query, {"i": given}, role="clerk")["createWorkflowTask"]
        assert (made["assignee"], made["case"]) == ({"id": employee}, {"subject": "case 6"})
        tasks = erp.ask("query($id: ID!) { workflowCase(id: $id) { tasks { id } } }", {"id": case})
        assert {"id": made["id"]} in tasks["workflowCase"]["tasks"]

    def test_decided_tasks_say_when(self, erp: Harness):
        change = {
            "id": str(sample_id("WorkflowTask", 0)),
            "i": {"state": "APPROVED", "decidedAt": "2026-04-01T08:00:00"},
        }
        query = "mutation($id: ID!, $i: WorkflowTaskUpdateInput!) { updateWorkflowTask(id: $id, input: $i) { state decidedAt } }"
        assert erp.ask(query, change)["updateWorkflowTask"] == {
            "state": "APPROVED",
            "decidedAt": "2026-04-01T08:00:00+00:00",
        }
        assert erp.refusal(query, change, role="auditor") == "FORBIDDEN"
