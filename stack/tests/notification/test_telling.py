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
        harness.settle(lambda: harness.get("/health/ready").status_code == 200, 10)
        yield harness


def publish(told: Harness, broker: KafkaServer, one: Envelope) -> None:
    told.run(write(broker.bootstrap, f"{one.service}.events", [msgspec.json.encode(one)], str(one.subject).encode()))
    told.settle(lambda: bool(told.sql("SELECT 1 FROM inbox WHERE event_id = $1", one.id)))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("InvoiceIssued", "You are billed 115.00 BDT. Please pay until 2026-06-01."),
        ("PaymentReceived", "We received 15.00 BDT. Thank you."),
    ],
)
def test_customers_hear_of_bills_and_payments_once(told: Harness, broker: KafkaServer, kind: str, text: str):
    customer = uuid4()
    one = event(type=kind, data=MONEY | {"customer_id": str(customer)})
    publish(told, broker, one)
    publish(told, broker, one)
    query = "query($w: MessagesWhere) { messages(where: $w) { id body state address customer { id } } }"
    (message,) = told.ask(query, {"w": {"customerId": str(customer)}})["messages"]
    assert (message["body"], message["state"], message["customer"]) == (text, "SENT", {"id": str(customer)})
    (row,) = told.sql("SELECT envelope FROM outbox WHERE key = $1", message["id"])
    made = msgspec.json.decode(row["envelope"], type=Envelope)
    assert (made.type, made.actor, made.service) == ("MessageCreated", "notification", "notification")
    assert (made.causationid, made.correlationid) == (one.id, one.correlationid)


@pytest.mark.parametrize(
    ("kind", "beginning"), [("UserCreated", "Welcome, Ada."), ("PasswordChanged", "Your password was changed.")]
)
def test_users_hear_of_their_accounts(told: Harness, broker: KafkaServer, kind: str, beginning: str):
    user = uuid4()
    publish(told, broker, event(source="urn:erp:auth", type=kind, subject=user, data={"display_name": "Ada"}))
    (row,) = told.sql("SELECT body, address FROM message WHERE user_id = $1", user)
    assert row["body"].startswith(beginning)
    assert row["address"] == f"in-app:user:{user}"


def test_most_events_are_of_no_interest(told: Harness, broker: KafkaServer):
    before = told.sql("SELECT count(*) AS n FROM message")
    publish(told, broker, event(type="InvoiceCreated"))
    assert told.sql("SELECT count(*) AS n FROM message") == before
