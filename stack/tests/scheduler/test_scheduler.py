from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: JobRunCreateInput!) { createJobRun(input: $i) { id outcome job { id name owner { id } } } }"


class TestScheduler(EntityContract):
    def test_a_service_records_the_run_of_a_job_whose_owner_auth_knows(self, erp: Harness):
        job = str(sample_id("Job", 5))
        given = {"jobId": job, "outcome": "RUNNING", "startedAt": "2026-03-01T00:00:00+06:00", "attempt": 1}
        made = erp.ask(CREATE, {"i": given}, role="service")["createJobRun"]
        assert made["job"] == {"id": job, "name": "job-005", "owner": {"id": str(sample_id("User", 5))}}
        runs = erp.ask("query($id: ID!) { job(id: $id) { runs { id } } }", {"id": job})["job"]["runs"]
        assert {"id": made["id"]} in runs

    def test_attempts_start_at_one(self, erp: Harness):
        given = {"jobId": str(sample_id("Job", 5)), "outcome": "RUNNING", "startedAt": "2026-03-01T00:00:00Z"}
        assert erp.refusal(CREATE, {"i": given | {"attempt": 0}}) == "BAD_USER_INPUT"

    def test_clerks_do_not_record_runs(self, erp: Harness):
        given = {
            "jobId": str(sample_id("Job", 5)),
            "outcome": "RUNNING",
            "startedAt": "2026-03-01T00:00:00Z",
            "attempt": 1,
        }
        assert erp.refusal(CREATE, {"i": given}, role="clerk") == "FORBIDDEN"
