from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestDocumentGenerator(EntityContract):
    def test_a_document_is_about_an_invoice_and_lies_in_a_file(self, erp: Harness):
        ids = {
            "templateId": str(sample_id("DocumentTemplate", 3)),
            "invoiceId": str(sample_id("Invoice", 8)),
            "requestedById": str(sample_id("User", 2)),
            "fileId": str(sample_id("StoredFile", 6)),
        }
        query = (
            "mutation($i: DocumentCreateInput!) { createDocument(input: $i) "
            "{ status template { id } invoice { id } requestedBy { id } file { id } customer { id } } }"
        )
        made = erp.ask(query, {"i": ids | {"status": "READY"}}, role="clerk")["createDocument"]
        assert made == {
            "status": "READY",
            "template": {"id": ids["templateId"]},
            "invoice": {"id": ids["invoiceId"]},
            "requestedBy": {"id": ids["requestedById"]},
            "file": {"id": ids["fileId"]},
            "customer": None,
        }

    def test_reports_are_for_those_who_keep_the_books(self, erp: Harness):
        assert erp.refusal("{ reports { id } }", role="clerk") == "FORBIDDEN"
        assert erp.ask("{ reports(limit: 3) { name } }", role="accountant")["reports"]

    def test_an_edition_of_a_template_is_made_once(self, erp: Harness):
        given = {"i": {"code": "mushak-6.3", "title": "Tax invoice", "output": "PDF", "version": 1, "active": True}}
        query = "mutation($i: DocumentTemplateCreateInput!) { createDocumentTemplate(input: $i) { id } }"
        erp.ask(query, given)
        assert erp.refusal(query, given) == "CONFLICT"
