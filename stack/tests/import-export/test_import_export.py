from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

REFUSE = (
    "mutation($i: RowRefusalCreateInput!) { createRowRefusal(input: $i) { id rowNumber importJob { id file { id } } } }"
)


class TestImportExport(EntityContract):
    def test_a_refused_row_belongs_to_an_import_of_a_stored_file(self, erp: Harness):
        job = str(sample_id("ImportJob", 4))
        given = {"i": {"importJobId": job, "rowNumber": 77, "reason": "no tax number"}}
        made = erp.ask(REFUSE, given, role="service")["createRowRefusal"]
        assert made["importJob"] == {"id": job, "file": {"id": str(sample_id("StoredFile", 4))}}
        assert erp.refusal(REFUSE, given, role="service") == "CONFLICT"

    def test_rows_count_from_one(self, erp: Harness):
        given = {"importJobId": str(sample_id("ImportJob", 4)), "rowNumber": 0, "reason": "x"}
        assert erp.refusal(REFUSE, {"i": given}) == "BAD_USER_INPUT"

    def test_clerks_import_but_do_not_export(self, erp: Harness):
        given = {"source": "Customer", "requestedById": str(sample_id("User", 1)), "state": "PENDING"}
        query = "mutation($i: ExportJobCreateInput!) { createExportJob(input: $i) { id } }"
        assert erp.refusal(query, {"i": given}, role="clerk") == "FORBIDDEN"
        assert erp.ask(query, {"i": given}, role="accountant")["createExportJob"]["id"]
