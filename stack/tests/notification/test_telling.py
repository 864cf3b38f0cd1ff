"""Events that people hear of."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from erp_broker import event, write
from erp_harness import Harness, scratch_database

from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.kit.messages import Envelope
from certify_stack.kit.tokens import SigningKey

MONEY = {"currency": "BDT", "gross": "115.00", "amount": "15.00", "due_on": "2026-06-01"}


@pytest.fixture(scope="module")
def told(server: str, signing_key: tuple[SigningKey, Path], broker: KafkaServer) -> Iterator[Harness]:
    """Notification, connected to a broker."""
    with (
        scratch_database(server, "notification") as dsn,
        Harness.running("notification", dsn, *signing_key, broker=broker.bootstrap) as harness,
    ):
        harness.settle(lambda: harness.get("/health/ready").status_code == 200)
        yield harness


def publish(told: Harness, broker: KafkaServer, one: Envelope) -> None:
    told.run(write(broker.bootstrap, f"{one.service}.events", [msgspec.json.encode(one)], str(one.subject).encode()))
    told.settle(lambda: bool(told.sql("SELECT 1 FROM inbox WHERE event_id = $1", one.id)))


@pytest.mark.parametrize(
    ("kind", "subject", "text"),
    [
        ("InvoiceIssued", "Your invoice", "You are billed 115.00 BDT. Please pay until 2026-06-01."),
        ("PaymentReceived", "Receipt of your payment", "We received 15.00 BDT. Thank you."),
    ],
)
def test_customers_hear_of_bills_and_payments_once_by_each_carrier(
    told: Harness, broker: KafkaServer, kind: str, subject: str, text: str
):
    customer = uuid4()
    one = event(type=kind, data=MONEY | {"customer_id": str(customer)})
    publish(told, broker, one)
    publish(told, broker, one)
    query = "query($w: MessagesWhere) { messages(where: $w) { id body state sentAt customer { id } } }"
    messages = told.ask(query, {"w": {"customerId": str(customer)}})["messages"]
    seen = {"body": text, "state": "QUEUED", "sentAt": None, "customer": {"id": str(customer)}}
    assert [{name: message[name] for name in seen} for message in messages] == [seen, seen]
    rows = told.sql("SELECT channel, subject FROM delivery WHERE message_id = ANY($1)", [m["id"] for m in messages])
    assert {tuple(row) for row in rows} == {("EMAIL", subject), ("SMS", subject)}
    for message in messages:
        (row,) = told.sql("SELECT envelope FROM outbox WHERE key = $1", message["id"])
        made = msgspec.json.decode(row["envelope"], type=Envelope)
        assert (made.type, made.actor, made.service) == ("MessageCreated", "notification", "notification")
        assert (made.causationid, made.correlationid) == (one.id, one.correlationid)


@pytest.mark.parametrize(
    ("kind", "beginning"), [("UserCreated", "Welcome, Ada."), ("PasswordChanged", "Your password was changed.")]
)
def test_users_hear_of_their_accounts_in_the_application(told: Harness, broker: KafkaServer, kind: str, beginning: str):
    user = uuid4()
    publish(told, broker, event(source="urn:erp:auth", type=kind, subject=user, data={"display_name": "Ada"}))
    (row,) = told.sql("SELECT id, body, address, state FROM message WHERE user_id = $1", user)
    assert row["body"].startswith(beginning)
    assert (row["address"], row["state"]) == (f"in-app:user:{user}", "SENT")
    assert told.sql("SELECT 1 FROM delivery WHERE message_id = $1", row["id"]) == []


def imported(told: Harness, broker: KafkaServer, **changes: object) -> tuple[dict[str, str], list[str]]:
    """Give the message that follows from the end of an import, and the carriers that it waits for."""
    user = uuid4()
    data = {"file_name": "june.csv", "state": "DONE", "invoices": 7, "gross": "80.50", "currency": "BDT"}
    about = data | {"requested_by_id": str(user), "address": "ada@example.org", "trouble": None} | changes
    publish(told, broker, event(source="urn:erp:import-export", type="ImportFinished", data=about))
    (row,) = told.sql("SELECT id, body, address, state FROM message WHERE user_id = $1", user)
    channels = told.sql("SELECT channel FROM delivery WHERE message_id = $1", row["id"])
    return {name: row[name] for name in ("body", "address", "state")}, [one["channel"] for one in channels]


def test_whoever_asked_for_an_import_hears_of_its_end_by_mail(told: Harness, broker: KafkaServer):
    good = "june.csv: 7 invoices of 80.50 BDT were imported."
    assert imported(told, broker) == ({"body": good, "address": "ada@example.org", "state": "QUEUED"}, ["EMAIL"])
    seen, _ = imported(told, broker, state="FAILED", trouble="37 rows are bad")
    assert seen["body"] == "june.csv: nothing was imported. 37 rows are bad."
    seen, channels = imported(told, broker, address=None)
    assert (seen["address"].startswith("in-app:user:"), seen["state"], channels) == (True, "SENT", [])


def test_most_events_are_of_no_interest(told: Harness, broker: KafkaServer):
    before = told.sql("SELECT count(*) AS n FROM message")
    publish(told, broker, event(type="InvoiceCreated"))
    assert told.sql("SELECT count(*) AS n FROM message") == before
