"""Events on their way out: written with the change, sent in order, not lost whatever fails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from erp_broker import outbox_of, read, stopped, waiting
from erp_harness import USER_ID, Harness, scratch_database

from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.kit import messages, relay
from certify_stack.kit.tokens import SigningKey

CREATE = 'mutation { createInvoice(input: {customerId: "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001", lines: [{productId: "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001", description: "x", quantity: "1", unitPrice: "3.33", vatRate: "5"}]}) { id } }'
ACCOUNT = "mutation($c: String!, $n: String!) { createLedgerAccount(input: {code: $c, name: $n, kind: ASSET, position: 1}) { id } }"
RENAME = "mutation($id: ID!, $n: String!) { updateLedgerAccount(id: $id, input: {name: $n}) { id } }"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TOPIC = "finance.events"
HOLDER = (
    "FROM pg_locks JOIN pg_database ON database = pg_database.oid AND datname = current_database() "
    "WHERE locktype = 'advisory' AND objid = $1"
)


@pytest.fixture(scope="module")
def told(server: str, signing_key: tuple[SigningKey, Path], broker: KafkaServer) -> Iterator[Harness]:
    """Finance, connected to a broker."""
    with (
        scratch_database(server, "finance") as dsn,
        Harness.running("finance", dsn, *signing_key, broker=broker.bootstrap) as harness,
    ):
        harness.settle(lambda: harness.get("/health/ready").status_code == 200)
        yield harness


def sent(told: Harness, broker: KafkaServer) -> list[messages.Envelope]:
    return [messages.decode(record.value) for record in told.run(read(broker.bootstrap, TOPIC))]


def part(told: Harness, name: str) -> str:
    return told.get("/health/ready").json()["parts"][name]


def test_a_service_that_was_told_no_broker_keeps_its_events(erp: Harness):
    key = erp.ask(CREATE)["createInvoice"]["id"]
    assert outbox_of(erp, key) == ["InvoiceCreated"]
    assert set(erp.get("/health/ready").json()["parts"]) == {"database", "migrations"}


def test_a_command_that_fails_leaves_no_event(erp: Harness):
    first = erp.ask(ACCOUNT, {"c": "1000", "n": "Cash"})["createLedgerAccount"]["id"]
    before = erp.sql("SELECT count(*) AS n FROM outbox")[0]["n"]
    assert erp.refusal(ACCOUNT, {"c": "1000", "n": "Again"}) == "CONFLICT"
    erp.sql("ALTER TABLE ledger_account ADD CONSTRAINT no_x CHECK (name <> 'x')")
    assert erp.refusal(RENAME, {"id": first, "n": "x"}) == "BAD_USER_INPUT"
    assert erp.refusal('mutation { deleteLedgerAccount(id: "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001") }') == "NOT_FOUND"
    assert erp.sql("SELECT count(*) AS n FROM outbox")[0]["n"] == before
    assert outbox_of(erp, first) == ["LedgerAccountCreated"]


def test_a_transaction_that_is_rolled_back_after_the_event_was_written_leaves_none(erp: Harness):
    erp.sql(
        "CREATE FUNCTION too_late() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'too late' USING ERRCODE = 'check_violation'; END $$"
    )
    erp.sql(
        "CREATE CONSTRAINT TRIGGER too_late AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION too_late()"
    )
    try:
        assert erp.refusal(ACCOUNT, {"c": "1001", "n": "Bank"}) == "BAD_USER_INPUT"
    finally:
        erp.sql("DROP FUNCTION too_late CASCADE")
    assert erp.sql("SELECT 1 FROM ledger_account WHERE code = '1001'") == []
    assert erp.sql("SELECT 1 FROM outbox WHERE envelope->'data'->>'code' = '1001'") == []


def test_an_event_arrives_with_all_that_is_known_of_it(told: Harness, broker: KafkaServer):
    key = told.ask(CREATE, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})["createInvoice"]["id"]
    told.settle(lambda: waiting(told) == 0)
    (record,) = [one for one in told.run(read(broker.bootstrap, TOPIC)) if one.key == key.encode()]
    event = messages.decode(record.value)
    assert (event.type, event.typeversion, event.service) == ("InvoiceCreated", 3, "finance")
    assert (event.subject, event.subjecttype, event.actor) == (UUID(key), "Invoice", USER_ID)
    assert (event.correlationid, event.causationid) == (TRACE, None)
    assert event.data["net"] == "3.33"
    headers = dict(record.headers)
    assert headers["content-type"] == messages.CONTENT_TYPE
    assert headers["traceparent"].decode().split("-")[1] == TRACE == (event.traceparent or "").split("-")[1]
    assert event.id == told.sql("SELECT event_id FROM events WHERE stream_id = $1::text::uuid", key)[0]["event_id"]
    assert "events_sent_total" in told.get("/metrics").text


def test_events_of_a_thing_arrive_in_order(told: Harness, broker: KafkaServer):
    key = told.ask(ACCOUNT, {"c": "2000", "n": "0"})["createLedgerAccount"]["id"]
    told.together([(RENAME, {"id": key, "n": str(number)}) for number in range(1, 30)])
    told.settle(lambda: waiting(told) == 0)
    names = [
        row["name"]
        for row in told.sql("SELECT envelope->'data'->>'name' AS name FROM outbox WHERE key = $1 ORDER BY id", key)
    ]
    assert len(names) == 30
    assert [event.data["name"] for event in sent(told, broker) if event.subject == UUID(key)] == names


def test_the_relay_goes_on_after_its_backend_was_killed(told: Harness, broker: KafkaServer):
    for _ in range(3):
        killed = told.sql(f"SELECT pg_terminate_backend(pid) {HOLDER}", relay.LOCK)
        assert len(killed) == 1
        key = told.ask(CREATE)["createInvoice"]["id"]
        told.settle(lambda: waiting(told) == 0)
        assert [event.type for event in sent(told, broker) if event.subject == UUID(key)] == ["InvoiceCreated"]
    told.settle(lambda: part(told, "relay") == "ok")


def test_the_relay_goes_on_after_its_database_was_away(told: Harness, broker: KafkaServer):
    with told.without_database():
        assert "relay" in told.get("/health/ready").json()["failing"]
    key = told.ask(CREATE)["createInvoice"]["id"]
    told.settle(lambda: waiting(told) == 0)
    assert key in {str(event.subject) for event in sent(told, broker)}
    assert part(told, "relay") == "ok"


def test_events_without_a_notification_are_found_all_the_same(told: Harness):
    told.sql("ALTER TABLE outbox DISABLE TRIGGER outbox_tells_relay")
    try:
        told.ask(CREATE)
        told.settle(lambda: waiting(told) == 0)
    finally:
        told.sql("ALTER TABLE outbox ENABLE TRIGGER outbox_tells_relay")


def test_notifications_wake_the_relay(told: Harness, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 60)
    told.run(asyncio.sleep(0.1))
    told.ask(CREATE)
    # Sooner than it looks by itself.
    told.settle(lambda: waiting(told) == 0, 30)
    monkeypatch.undo()
    told.ask(CREATE)
    told.settle(lambda: waiting(told) == 0)


def test_only_one_relay_sends_and_the_other_takes_over(
    told: Harness, broker: KafkaServer, signing_key: tuple[SigningKey, Path]
):
    dsn = told.settings.database_dsn
    with Harness.running("finance", dsn, *signing_key, runner=told, broker=broker.bootstrap) as other:
        other.settle(lambda: (part(told, "relay"), part(other, "relay")) == ("ok", "ok"))
        assert len(other.sql(f"SELECT pid {HOLDER}", relay.LOCK)) == 1
        keys = [other.ask(CREATE)["createInvoice"]["id"] for _ in range(5)]
        other.settle(lambda: waiting(other) == 0)
        other.sql(f"SELECT pg_terminate_backend(pid) {HOLDER}", relay.LOCK)
        keys += [other.ask(CREATE)["createInvoice"]["id"] for _ in range(5)]
        other.settle(lambda: waiting(other) == 0)
    arrived = [str(event.subject) for event in sent(told, broker)]
    assert [key for key in arrived if key in keys] == keys


def test_old_events_that_were_sent_are_removed(told: Harness, monkeypatch: pytest.MonkeyPatch):
    told.ask(CREATE)
    told.settle(lambda: waiting(told) == 0)
    told.sql("UPDATE outbox SET sent_at = now() - interval '2 hours'")
    monkeypatch.setattr(relay, "PRUNE_EVERY", 0)
    told.ask(CREATE)
    told.settle(lambda: told.sql("SELECT count(*) AS n FROM outbox")[0]["n"] <= 1)


def test_a_relay_that_does_not_run_or_is_late_makes_the_service_unready(told: Harness):
    with stopped(told, "relay"):
        assert part(told, "relay") == "not running"
        told.ask(CREATE)
        told.sql("UPDATE outbox SET created_at = now() - interval '9 seconds' WHERE sent_at IS NULL")
        assert (told.run(told.app.state.messaging.relay.late()) or "").startswith("an event waits for ")
    told.settle(lambda: waiting(told) == 0)
    assert part(told, "relay") == "ok"


def test_a_paused_broker_is_seen_and_its_return_too(told: Harness, broker: KafkaServer):
    broker.pause()
    try:
        key = told.ask(CREATE)["createInvoice"]["id"]
        told.settle(lambda: part(told, "broker").startswith("no answer"))
        assert told.get("/health/live").status_code == 200
    finally:
        broker.resume()
    told.settle(lambda: told.get("/health/ready").status_code == 200)
    told.settle(lambda: waiting(told) == 0)
    assert key in {str(event.subject) for event in sent(told, broker)}


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(told: Harness, broker: KafkaServer):
    first = [told.ask(CREATE)["createInvoice"]["id"] for _ in range(3)]
    broker.kill()
    told.settle(lambda: "broker" in told.get("/health/ready").json()["failing"])
    keys = first + [told.ask(CREATE)["createInvoice"]["id"] for _ in range(20)]
    told.run(asyncio.sleep(0.5))
    told.run(broker.restart())
    told.settle(lambda: told.get("/health/ready").status_code == 200)
    told.settle(lambda: waiting(told) == 0)
    arrived = [str(event.subject) for event in sent(told, broker)]
    assert list(dict.fromkeys(key for key in arrived if key in keys)) == keys
