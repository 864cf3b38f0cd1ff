from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from erp_contract import EntityContract
from erp_harness import USER_ID, Harness
from msgspec.structs import replace

from certify_stack.erp.audit.chain import GENESIS, Entry, digest

RECORD = "mutation($i: AuditEntryInput!) { recordAuditEntry(input: $i) { id sequence link previousLink actor { id } actorName } }"
CHAIN = "{ auditChain { length intact firstBroken } }"


def entry(**changes: object) -> dict[str, object]:
    given = {
        "eventId": str(uuid4()),
        "service": "finance",
        "action": "InvoiceIssued",
        "subjectType": "Invoice",
        "subject": str(uuid4()),
        "actor": USER_ID,
        "occurredAt": "2026-05-01T10:00:00.123456+06:00",
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "detail": '{"gross": "115.00"}',
    }
    return {"i": given | changes}


class TestAudit(EntityContract):
    def test_entries_form_a_chain(self, erp: Harness):
        first = erp.ask(RECORD, entry(), role="service")["recordAuditEntry"]
        second = erp.ask(RECORD, entry(traceId=None, detail=None), role="service")["recordAuditEntry"]
        assert second["sequence"] == first["sequence"] + 1
        assert second["previousLink"] == first["link"] != second["link"]
        chain = erp.ask(CHAIN, role="auditor")["auditChain"]
        assert chain == {"length": second["sequence"], "intact": True, "firstBroken": None}

    def test_an_event_is_recorded_once(self, erp: Harness):
        given = entry()
        first = erp.ask(RECORD, given, role="service")
        assert erp.ask(RECORD, given, role="service") == first

    def test_an_actor_is_a_user_or_a_service(self, erp: Harness):
        user = erp.ask(RECORD, entry())["recordAuditEntry"]
        service = erp.ask(RECORD, entry(actor="scheduler"))["recordAuditEntry"]
        assert (user["actor"], user["actorName"]) == ({"id": USER_ID}, USER_ID)
        assert (service["actor"], service["actorName"]) == (None, "scheduler")

    def test_entries_of_a_subject_are_found_newest_first(self, erp: Harness):
        subject = str(uuid4())
        for action in ("InvoiceCreated", "InvoiceIssued"):
            erp.ask(RECORD, entry(subject=subject, action=action))
        query = "query($s: ID) { auditEntries(subject: $s) { id action subject occurredAt } }"
        found = erp.ask(query, {"s": subject}, role="auditor")["auditEntries"]
        assert [item["action"] for item in found] == ["InvoiceIssued", "InvoiceCreated"]
        assert found[0]["occurredAt"] == "2026-05-01T04:00:00.123456+00:00"
        one = erp.ask("query($id: ID!) { auditEntry(id: $id) { action } }", {"id": found[0]["id"]})
        assert one == {"auditEntry": {"action": "InvoiceIssued"}}
        refs = {
            "r": [{"__typename": "AuditEntry", "id": found[1]["id"]}, {"__typename": "AuditEntry", "id": str(uuid4())}]
        }
        query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on AuditEntry { action } } }"
        assert erp.ask(query, refs)["_entities"] == [{"action": "InvoiceCreated"}, None]
        assert erp.graphql(query, refs, role="clerk")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert len(erp.ask("{ auditEntries(limit: 1) { id } }")["auditEntries"]) == 1

    def test_concurrent_entries_leave_the_chain_whole(self, erp: Harness):
        answers = erp.together([(RECORD, entry()) for _ in range(12)], role="service")
        assert all("errors" not in answer for answer in answers)
        assert erp.ask(CHAIN)["auditChain"]["intact"] is True

    def test_entries_are_never_changed_by_sql_either(self, erp: Harness):
        erp.ask(RECORD, entry())
        for statement in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
            with pytest.raises(Exception, match="never changed"):
                erp.sql(statement)

    def test_a_change_past_the_guard_breaks_the_chain(self, erp: Harness):
        made = erp.ask(RECORD, entry())["recordAuditEntry"]
        erp.ask(RECORD, entry())

        def disguised(actor: str) -> None:
            erp.sql("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_is_append_only")
            erp.sql("UPDATE audit_entry SET actor = $1 WHERE sequence = $2", actor, made["sequence"])
            erp.sql("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_is_append_only")

        disguised("somebody else")
        chain = erp.ask(CHAIN)["auditChain"]
        assert (chain["intact"], chain["firstBroken"]) == (False, made["sequence"])
        disguised(USER_ID)
        assert erp.ask(CHAIN)["auditChain"]["intact"] is True

    @pytest.mark.parametrize(
        "changes", [{"eventId": "x"}, {"subject": "x"}, {"actor": ""}, {"action": "x" * 121}, {"detail": "\x00"}]
    )
    def test_bad_entries_are_refused(self, erp: Harness, changes: dict[str, object]):
        assert erp.refusal(RECORD, entry(**changes)) == "BAD_USER_INPUT"

    def test_people_do_not_write_entries(self, erp: Harness):
        for role in ("accountant", "clerk", "auditor"):
            assert erp.refusal(RECORD, entry(), role=role) == "FORBIDDEN"


def test_a_link_covers_every_part_of_an_entry():
    base = Entry(
        sequence=1,
        event_id=UUID(int=1),
        service="finance",
        action="a",
        subject_type="t",
        subject_id=UUID(int=2),
        actor="x",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        trace_id=None,
        detail=None,
    )
    others = {
        "sequence": 2,
        "event_id": UUID(int=9),
        "service": "crm",
        "action": "b",
        "subject_type": "u",
        "subject_id": UUID(int=9),
        "actor": "y",
        "occurred_at": datetime(2026, 1, 2, tzinfo=UTC),
        "trace_id": "t",
        "detail": "d",
    }
    assert set(others) == set(Entry.__struct_fields__)
    links = {digest(GENESIS, base)} | {
        digest(GENESIS, replace(base, **{name: value})) for name, value in others.items()
    }
    assert len(links) == len(others) + 1
    assert digest("1" * 64, base) not in links
