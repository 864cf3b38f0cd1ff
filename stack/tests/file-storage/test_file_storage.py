from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestFileStorage(EntityContract):
    def test_a_file_lies_in_a_folder_inside_of_a_folder(self, erp: Harness):
        query = "query($id: ID!) { storedFile(id: $id) { owner { id } folder { id parent { id } } } }"
        found = erp.ask(query, {"id": str(sample_id("StoredFile", 8))})["storedFile"]
        assert found["folder"] == {"id": str(sample_id("Folder", 8)), "parent": {"id": str(sample_id("Folder", 4))}}
        assert found["owner"] == {"id": str(sample_id("User", 8))}

    def test_the_top_folder_has_no_parent(self, erp: Harness):
        found = erp.ask("query($id: ID!) { folder(id: $id) { parent { id } } }", {"id": str(sample_id("Folder", 0))})
        assert found == {"folder": {"parent": None}}

    def test_a_folder_with_files_stays(self, erp: Harness):
        query = "mutation($id: ID!) { deleteFolder(id: $id) }"
        assert erp.refusal(query, {"id": str(sample_id("Folder", 8))}) == "CONFLICT"
        assert erp.refusal(query, {"id": str(sample_id("Folder", 8))}, role="clerk") == "FORBIDDEN"
