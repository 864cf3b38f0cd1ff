from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestNotification(EntityContract):
    def test_a_message_names_customer_and_template(self, erp: Harness):
        customer, template = str(sample_id("Customer", 7)), str(sample_id("MessageTemplate", 2))
        given = {
            "customerId": customer,
            "templateId": template,
            "address": "a@example.org",
            "state": "QUEUED",
            "body": "x",
        }
        query = "mutation($i: MessageCreateInput!) { createMessage(input: $i) { id state customer { id } template { id code } } }"
        made = erp.ask(query, {"i": given}, role="service")["createMessage"]
        assert made["customer"] == {"id": customer}
        assert made["template"] == {"id": template, "code": "template-002"}
        assert made["state"] == "QUEUED"

    def test_only_services_and_admins_say_that_a_message_was_sent(self, erp: Harness):
        change = {"id": str(sample_id("Message", 1)), "i": {"state": "SENT", "sentAt": "2026-02-01T10:00:00Z"}}
        query = "mutation($id: ID!, $i: MessageUpdateInput!) { updateMessage(id: $id, input: $i) { state sentAt } }"
        assert erp.refusal(query, change, role="clerk") == "FORBIDDEN"
        sent = erp.ask(query, change, role="service")["updateMessage"]
        assert sent == {"state": "SENT", "sentAt": "2026-02-01T10:00:00+00:00"}

    def test_auditors_do_not_read_letters(self, erp: Harness):
        assert erp.refusal("{ messages { body } }", role="auditor") == "FORBIDDEN"
