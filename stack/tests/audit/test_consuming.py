"""Events on their way in: each has its effect once and in order, and none blocks the others for ever."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from erp_broker import event, read, stopped, write
from erp_harness import Harness, scratch_database

from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.erp import SERVICES
from certify_stack.erp.audit import recording
from certify_stack.kit import consumer, messages
from certify_stack.kit.tokens import SigningKey

TOPIC = "finance.events"


@pytest.fixture(scope="module")
def told(server: str, signing_key: tuple[SigningKey, Path], broker: KafkaServer) -> Iterator[Harness]:
    """Audit, connected to a broker."""
    with (
        scratch_database(server, "audit") as dsn,
        Harness.running("audit", dsn, *signing_key, broker=broker.bootstrap) as harness,
    ):
        harness.settle(lambda: harness.get("/health/ready").status_code == 200)
        yield harness


def actions(told: Harness, subject: Any) -> list[str]:
    rows = told.sql("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY sequence", subject)
    return [row["action"] for row in rows]


def publish(told: Harness, broker: KafkaServer, *events: messages.Envelope, topic: str = TOPIC) -> None:
    values = [msgspec.json.encode(one) for one in events]
    told.run(write(broker.bootstrap, topic, values, str(events[0].subject).encode()))


def unfit(**changes: Any) -> messages.Envelope:
    """Return an event that no entry can be made of: the table refuses so long an action."""
    return event(type="x" * 200, **changes)


def test_events_of_all_services_become_entries(told: Harness, broker: KafkaServer):
    sources = {service: event(source=f"urn:erp:{service}") for service in SERVICES}
    for service, one in sources.items():
        publish(told, broker, one, topic=messages.topic_of(service))
    told.settle(lambda: all(actions(told, one.subject) for one in sources.values()))
    rows = told.sql("SELECT service FROM audit_entry WHERE subject_id = ANY($1)", [e.subject for e in sources.values()])
    assert {row["service"] for row in rows} == set(SERVICES)


def test_what_arrives_twice_has_one_effect(told: Harness, broker: KafkaServer):
    subject = uuid4()
    one, two = event(subject=subject, type="A"), event(subject=subject, type="B")
    publish(told, broker, one, two, one, one, two)
    last = event()
    publish(told, broker, last)
    told.settle(lambda: actions(told, last.subject) != [])
    assert actions(told, subject) == ["A", "B"]
    assert 'events_consumed_total{outcome="known"}' in told.get("/metrics").text


def test_the_order_is_kept(told: Harness, broker: KafkaServer):
    subject = uuid4()
    publish(told, broker, *(event(subject=subject, type=f"E{number}") for number in range(40)))
    told.settle(lambda: len(actions(told, subject)) == 40)
    assert actions(told, subject) == [f"E{number}" for number in range(40)]


def test_what_cannot_be_digested_is_put_aside_and_the_rest_goes_on(told: Harness, broker: KafkaServer):
    bad, good = unfit(), event()
    told.run(write(broker.bootstrap, TOPIC, [b"no event at all"], b"k"))
    publish(told, broker, bad)
    publish(told, broker, good)
    told.settle(lambda: actions(told, good.subject) == ["InvoiceIssued"])
    aside = told.run(read(broker.bootstrap, "audit.dead"))
    assert [record.value for record in aside[-2:]] == [b"no event at all", msgspec.json.encode(bad)]
    headers = dict(aside[-1].headers)
    assert headers["dead-origin"].decode().startswith(f"{TOPIC}/0/")
    assert headers["dead-cause"].startswith(b"CheckViolationError")
    assert told.sql("SELECT 1 FROM inbox WHERE event_id = $1", bad.id) == []
    told.settle(lambda: told.get("/health/ready").status_code == 200)


def test_an_effect_that_fails_for_a_while_is_had_in_the_end(
    told: Harness, broker: KafkaServer, monkeypatch: pytest.MonkeyPatch
):
    failures = []
    entry_of = recording.entry_of

    def sometimes(envelope: messages.Envelope, sequence: int) -> Any:
        if len(failures) < consumer.TRIES - 1:
            failures.append(1)
            raise RuntimeError("not yet")
        return entry_of(envelope, sequence)

    monkeypatch.setattr(recording, "entry_of", sometimes)
    one = event()
    publish(told, broker, one)
    told.settle(lambda: actions(told, one.subject) == ["InvoiceIssued"])
    assert len(failures) == consumer.TRIES - 1


def test_events_wait_while_the_database_is_away(told: Harness, broker: KafkaServer):
    one = event()
    with told.without_database():
        publish(told, broker, one)
        told.settle(lambda: "consumer" in told.get("/health/ready").json()["failing"])
    told.settle(lambda: actions(told, one.subject) == ["InvoiceIssued"])
    told.settle(lambda: told.get("/health/ready").status_code == 200)


def test_the_consumer_goes_on_after_the_broker_was_restarted(told: Harness, broker: KafkaServer):
    told.run(broker.restart())
    one = event()
    publish(told, broker, one)
    told.settle(lambda: actions(told, one.subject) == ["InvoiceIssued"])


def test_a_restarted_service_goes_on_where_it_was(
    told: Harness, broker: KafkaServer, signing_key: tuple[SigningKey, Path]
):
    with stopped(told, "consumer"):
        assert told.get("/health/ready").json()["parts"]["consumer"] == "not running"
        missed = event()
        publish(told, broker, missed)
        dsn = told.settings.database_dsn
        with Harness.running("audit", dsn, *signing_key, runner=told, broker=broker.bootstrap) as other:
            other.settle(lambda: actions(other, missed.subject) != [])
            assert 'outcome="known"' not in other.get("/metrics").text
    chain = told.ask("{ auditChain { intact } }", role="auditor")["auditChain"]
    assert chain == {"intact": True}


def test_what_audit_itself_does_is_audited_and_entries_are_soon_there(told: Harness):
    query = """mutation($i: RetentionRuleCreateInput!) { createRetentionRule(input: $i) { id } }"""
    waits = []
    for number in range(20):
        given = {"subjectType": f"T{number}", "keepDays": 1, "legalHold": False, "setById": str(uuid4())}
        key = told.ask(query, {"i": given})["createRetentionRule"]["id"]
        start = time.monotonic()
        told.settle(lambda key=key: bool(told.sql("SELECT 1 FROM audit_entry WHERE subject_id = $1::text::uuid", key)))
        waits.append(time.monotonic() - start)
    assert sorted(waits)[10] < 5
