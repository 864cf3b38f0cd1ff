import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from erp_broker import event
from erp_contract import EntityContract
from erp_harness import USER_ID, Harness
from msgspec.structs import replace

from certify_stack.erp.audit.chain import GENESIS, Entry, digest
from certify_stack.erp.audit.recording import record
from certify_stack.kit.messages import Envelope

CHAIN = "{ auditChain { length intact firstBroken } }"
ENTRIES = """query($s: ID!) { auditEntries(subject: $s) {
    id sequence action service subjectType subject actor { id } actorName traceId detail occurredAt link previousLink
} }"""


def recorded(erp: Harness, **changes: Any) -> dict[str, Any]:
    """Record an event as the consumer does, and return its entry."""
    return together(erp, [event(**changes)])[0]


def together(erp: Harness, events: list[Envelope]) -> list[dict[str, Any]]:
    """Record events at the same time, and return their entries."""

    async def one(envelope: Envelope) -> None:
        async with erp.app.state.runtime.database.transaction() as connection:
            await record(connection, envelope)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(envelope) for envelope in events))

    erp.run(all_of_them())
    return [erp.ask(ENTRIES, {"s": str(envelope.subject)})["auditEntries"][0] for envelope in events]


class TestAudit(EntityContract):
    def test_entries_form_a_chain(self, erp: Harness):
        first, second = recorded(erp), recorded(erp, traceparent=None)
        assert second["sequence"] == first["sequence"] + 1
        assert second["previousLink"] == first["link"] != second["link"]
        chain = erp.ask(CHAIN, role="auditor")["auditChain"]
        assert chain == {"length": second["sequence"], "intact": True, "firstBroken": None}

    def test_an_entry_says_all_that_is_known_of_an_event(self, erp: Harness):
        seen = recorded(erp)
        assert (seen["action"], seen["service"], seen["subjectType"]) == ("InvoiceIssued", "finance", "Invoice")
        assert seen["traceId"] == "0af7651916cd43dd8448eb211c80319c"
        assert seen["occurredAt"] == "2026-05-01T04:00:00.123456+00:00"
        assert seen["detail"] == '{"gross":"115.00"}'
        assert recorded(erp, data={"x": "y" * 9000})["detail"] == '{"omitted_characters":9008}'
        assert recorded(erp, traceparent="garbage")["traceId"] is None

    def test_an_actor_is_a_user_or_a_service(self, erp: Harness):
        user, service = recorded(erp), recorded(erp, actor="scheduler")
        assert (user["actor"], user["actorName"]) == ({"id": USER_ID}, USER_ID)
        assert (service["actor"], service["actorName"]) == (None, "scheduler")

    def test_entries_of_a_subject_are_found_newest_first(self, erp: Harness):
        subject = str(uuid4())
        for action in ("InvoiceCreated", "InvoiceIssued"):
            recorded(erp, subject=subject, type=action)
        query = "query($s: ID) { auditEntries(subject: $s) { id action } }"
        found = erp.ask(query, {"s": subject}, role="auditor")["auditEntries"]
        assert [item["action"] for item in found] == ["InvoiceIssued", "InvoiceCreated"]
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
        assert len({entry["sequence"] for entry in together(erp, [event() for _ in range(12)])}) == 12
        assert erp.ask(CHAIN)["auditChain"]["intact"] is True

    def test_entries_are_never_changed_by_sql_either(self, erp: Harness):
        recorded(erp)
        for statement in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
            with pytest.raises(Exception, match="never changed"):
                erp.sql(statement)

    def test_a_change_past_the_guard_breaks_the_chain(self, erp: Harness):
        made = recorded(erp)
        recorded(erp)

        def disguised(actor: str) -> None:
            erp.sql("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_is_append_only")
            erp.sql("UPDATE audit_entry SET actor = $1 WHERE sequence = $2", actor, made["sequence"])
            erp.sql("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_is_append_only")

        disguised("somebody else")
        chain = erp.ask(CHAIN)["auditChain"]
        assert (chain["intact"], chain["firstBroken"]) == (False, made["sequence"])
        disguised(USER_ID)
        assert erp.ask(CHAIN)["auditChain"]["intact"] is True


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
