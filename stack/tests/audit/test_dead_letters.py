"""Messages that were put aside: given to the service once more, each with its effect once, and none lost."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from erp_broker import event, pass_over, read, write
from erp_harness import Harness, scratch_database

from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.erp import __main__ as command
from certify_stack.erp.audit import recording
from certify_stack.kit import consumer, dead_letters, messages
from certify_stack.kit.tokens import SigningKey

TOPIC, DEAD = "finance.events", "audit.dead"


@pytest.fixture(scope="module")
def told(server: str, signing_key: tuple[SigningKey, Path], broker: KafkaServer) -> Iterator[Harness]:
    """Audit, connected to a broker."""
    with (
        scratch_database(server, "audit") as dsn,
        Harness.running("audit", dsn, *signing_key, broker=broker.bootstrap) as harness,
    ):
        harness.settle(lambda: harness.get("/health/ready").status_code == 200)
        yield harness


@pytest.fixture(autouse=True)
def emptied(told: Harness, broker: KafkaServer) -> None:
    """Nothing of other tests is waiting, not even what fails each time."""
    told.run(pass_over(broker.bootstrap, "audit.redelivery", DEAD))


def redeliver(told: Harness, broker: KafkaServer) -> dead_letters.Redelivered:
    runtime = dead_letters.create_app("audit", told.settings).state.runtime
    return told.run(dead_letters.redeliver(runtime, broker.bootstrap))


def actions(told: Harness, one: messages.Envelope) -> list[str]:
    rows = told.sql("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY sequence", one.subject)
    return [row["action"] for row in rows]


def put_aside(told: Harness, broker: KafkaServer, monkeypatch: pytest.MonkeyPatch, *events: messages.Envelope) -> None:
    """Have the service fail at events until it puts them aside."""
    before = len(told.run(read(broker.bootstrap, DEAD)))
    entry_of = recording.entry_of
    wrong = {one.id for one in events}

    def failing(envelope: messages.Envelope, sequence: int) -> Any:
        if envelope.id in wrong:
            raise RuntimeError("a defect of the service")
        return entry_of(envelope, sequence)

    with monkeypatch.context() as patched:
        patched.setattr(recording, "entry_of", failing)
        patched.setattr(consumer, "TRIES", 2)
        for one in events:
            told.run(write(broker.bootstrap, TOPIC, [msgspec.json.encode(one)], str(one.subject).encode()))
        told.settle(lambda: len(told.run(read(broker.bootstrap, DEAD))) == before + len(events))


def test_what_was_put_aside_has_its_effect_once(told: Harness, broker: KafkaServer, monkeypatch: pytest.MonkeyPatch):
    events = [event(type=f"E{number}") for number in range(3)]
    put_aside(told, broker, monkeypatch, *events)
    assert [actions(told, one) for one in events] == [[], [], []]
    assert redeliver(told, broker) == dead_letters.Redelivered(effective=3)
    assert [actions(told, one) for one in events] == [["E0"], ["E1"], ["E2"]]
    assert redeliver(told, broker) == dead_letters.Redelivered()
    # As if the process had died before its place was kept.
    raw = [record.value for record in told.run(read(broker.bootstrap, DEAD))[-3:]]
    told.run(write(broker.bootstrap, DEAD, raw))
    assert redeliver(told, broker) == dead_letters.Redelivered(known=3)
    assert [actions(told, one) for one in events] == [["E0"], ["E1"], ["E2"]]
    assert told.ask("{ auditChain { intact } }", role="auditor")["auditChain"] == {"intact": True}


def test_what_fails_again_is_kept_with_its_new_cause(told: Harness, broker: KafkaServer):
    bad = msgspec.json.encode(event(type="x" * 200))
    headers = [("dead-origin", b"finance.events/0/7"), ("dead-cause", b"RuntimeError: before")]
    told.run(write(broker.bootstrap, DEAD, [b"no event at all", bad], headers=headers))
    for times in (b"2", b"3"):
        assert redeliver(told, broker) == dead_letters.Redelivered(failed=2)
        unread, refused = told.run(read(broker.bootstrap, DEAD))[-2:]
        assert [unread.value, refused.value] == [b"no event at all", bad]
        said = dict(refused.headers)
        assert said["dead-cause"].startswith(b"CheckViolationError")
        assert (said["dead-origin"], said["dead-times"]) == (b"finance.events/0/7", times)
        assert [name for name, _ in refused.headers].count("dead-cause") == 1


def test_headers_that_are_none_of_ours_hinder_nothing(told: Harness, broker: KafkaServer):
    odd = [("dead-times", b"often"), ("empty", None), ("dead-origin", b"a/b/c")]
    good = event(type="WithOddHeaders")
    told.run(write(broker.bootstrap, TOPIC, [msgspec.json.encode(good)], headers=odd))
    told.settle(lambda: actions(told, good) == ["WithOddHeaders"])
    told.run(write(broker.bootstrap, DEAD, [b"no event at all"], headers=odd))
    assert redeliver(told, broker).failed
    assert dict(told.run(read(broker.bootstrap, DEAD))[-1].headers)["dead-times"] == b"2"


def test_a_database_that_goes_in_the_middle_is_told_as_away(
    told: Harness, broker: KafkaServer, monkeypatch: pytest.MonkeyPatch
):
    async def cut(*_: Any) -> str:
        raise ConnectionResetError

    told.run(write(broker.bootstrap, DEAD, [msgspec.json.encode(event(type="Cut"))]))
    with monkeypatch.context() as patched:
        patched.setattr(dead_letters, "effect", cut)
        with pytest.raises(dead_letters.errors.UnavailableError):
            redeliver(told, broker)
    assert redeliver(told, broker).effective == 1


def test_the_command_tells_how_many(
    told: Harness,
    broker: KafkaServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    one = event(type="Told")
    put_aside(told, broker, monkeypatch, one)
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(told.key.jwks()))
    monkeypatch.setenv("ERP_DATABASE_DSN", told.settings.database_dsn)
    monkeypatch.setenv("ERP_AUTH_JWKS", str(jwks))
    monkeypatch.delenv("ERP_BROKER", raising=False)
    monkeypatch.setattr(dead_letters.logs, "configure", lambda _: None)
    assert command.main(["redeliver", "audit"]) == 2
    assert "ERP_BROKER is not set" in capsys.readouterr().err
    monkeypatch.setenv("ERP_BROKER", broker.bootstrap)
    assert command.main(["redeliver", "audit"]) in {0, 1}
    assert json.loads(capsys.readouterr().out)["effective"] == 1
    assert actions(told, one) == ["Told"]
    monkeypatch.setenv("ERP_BROKER", "127.0.0.1:9")
    assert command.main(["redeliver", "audit"]) == 2
    assert "see that broker and database answer" in capsys.readouterr().err


def test_while_the_database_is_away_nothing_is_taken(
    told: Harness, broker: KafkaServer, monkeypatch: pytest.MonkeyPatch
):
    one = event(type="Later")
    put_aside(told, broker, monkeypatch, one)
    with told.without_database(), pytest.raises(dead_letters.errors.UnavailableError):
        redeliver(told, broker)
    assert redeliver(told, broker).effective == 1
    assert actions(told, one) == ["Later"]
