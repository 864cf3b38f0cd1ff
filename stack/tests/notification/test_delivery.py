"""Messages leave by real SMTP and by a provider of text messages, and are written down by the sink of the stack."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from erp_broker import event, outbox_of
from erp_harness import Harness, scratch_database

from certify_stack.embedded.sink import serve
from certify_stack.erp.notification.carriers import (
    Carrier,
    Letter,
    Mail,
    TextMessages,
    UndeliverableError,
    mail_of,
)
from certify_stack.erp.notification.delivery import TRIES, deliver_due
from certify_stack.erp.notification.telling import EMAIL, SMS, tell
from certify_stack.erp.samples import sample_id
from certify_stack.erp.seed import seed
from certify_stack.kit.server import listen
from certify_stack.kit.tokens import SigningKey

CUSTOMER = sample_id("Customer", 3)
MAIL, PHONE = "customer3@example.org", "+8801700000003"
BILL = {"currency": "BDT", "gross": "115.00", "due_on": "2026-06-01"}


class Sink(NamedTuple):
    mail_server: str
    url: str

    def arrived(self, to: str) -> list[dict[str, Any]]:
        return httpx.get(f"{self.url}/messages", params={"to": to}, trust_env=False).json()

    def carriers(self) -> dict[str, Carrier]:
        return {EMAIL: Mail(self.mail_server), SMS: TextMessages(self.url)}


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A sink of our own."""
    smtp, http = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    addresses = [one.getsockname()[1] for one in (smtp, http)]
    loop = asyncio.new_event_loop()
    serving = loop.create_task(serve(smtp, http))

    def run() -> None:
        loop.run_until_complete(asyncio.gather(serving, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield Sink(f"127.0.0.1:{addresses[0]}", f"http://127.0.0.1:{addresses[1]}")
    loop.call_soon_threadsafe(serving.cancel)
    thread.join()
    # Cancelled before its first step, the server never had them.
    smtp.close()
    http.close()


@pytest.fixture(scope="module")
def told(server: str, signing_key: tuple[SigningKey, Path], tmp_path_factory: Any) -> Iterator[Harness]:
    """Notification, with a crm that it can ask."""
    with (
        scratch_database(server, "notification") as dsn,
        scratch_database(server, "crm") as customers,
        Harness.running("notification", dsn, *signing_key) as harness,
        Harness.running("crm", customers, *signing_key, runner=harness) as crm,
    ):
        harness.run(seed({"crm": customers}))
        token = tmp_path_factory.mktemp("token") / "token"
        token.write_text(harness.token("service", "notification"))
        with harness.calling(crm, token):
            yield harness


@pytest.fixture(autouse=True)
def _empty(told: Harness) -> None:
    told.sql("TRUNCATE message, delivery CASCADE")


def bill(told: Harness, customer: UUID = CUSTOMER) -> None:
    """Have the messages of an invoice written."""
    one = event(data=BILL | {"customer_id": str(customer)})
    told.with_connection(lambda connection: tell(connection, one))


def deliver(told: Harness, carriers: dict[str, Carrier]) -> None:
    async def run() -> int:
        try:
            return await deliver_due(told.app.state.runtime, carriers)
        finally:
            await asyncio.gather(*(carrier.close() for carrier in carriers.values()))

    told.run(run())


def states(told: Harness) -> dict[str, tuple[str, str, str | None]]:
    rows = told.sql("SELECT channel, state, address, trouble FROM message JOIN delivery ON message_id = id")
    return {row["channel"]: (row["state"], row["address"], row["trouble"]) for row in rows}


def test_both_arrive_at_what_crm_knows_as_the_customers_addresses(told: Harness, sink: Sink):
    bill(told)
    deliver(told, sink.carriers())
    assert states(told) == {EMAIL: ("SENT", MAIL, None), SMS: ("SENT", PHONE, None)}
    (mail,), (sms,) = sink.arrived(MAIL), sink.arrived(PHONE)
    text = "You are billed 115.00 BDT. Please pay until 2026-06-01."
    assert (mail["kind"], mail["subject"], mail["text"]) == ("email", "Your invoice", text)
    assert (sms["kind"], sms["text"]) == ("sms", text)
    for row in told.sql("SELECT id, channel, sent_at FROM message JOIN delivery ON message_id = id"):
        assert outbox_of(told, row["id"]) == ["MessageCreated", "MessageSent"]
        assert str(row["id"]) in {EMAIL: mail["id"], SMS: sms["id"]}[row["channel"]]
        assert row["sent_at"]


def test_a_user_is_told_at_the_address_of_the_event_without_asking_crm(told: Harness, sink: Sink):
    data = {"file_name": "a.csv", "state": "FAILED", "trouble": "bad", "requested_by_id": str(uuid4())}
    one = event(source="urn:erp:import-export", type="ImportFinished", data=data | {"address": "ada@example.org"})
    told.with_connection(lambda connection: tell(connection, one))
    with told.reaching({}, None):
        deliver(told, sink.carriers())
    assert states(told) == {EMAIL: ("SENT", "ada@example.org", None)}
    (mail,) = sink.arrived("ada@example.org")
    assert (mail["subject"], mail["text"]) == ("Your import", "a.csv: nothing was imported. bad.")


def test_what_was_delivered_is_not_delivered_again(told: Harness, sink: Sink):
    bill(told)
    for _ in range(2):
        deliver(told, sink.carriers())
    assert [len(sink.arrived(to)) for to in (MAIL, PHONE)] == [1, 1]


def test_an_unknown_customer_is_told_as_failed(told: Harness, sink: Sink):
    bill(told, uuid4())
    deliver(told, sink.carriers())
    assert {state for state, _, _ in states(told).values()} == {"FAILED"}
    assert states(told)[SMS][2] == "the customer has no phone"


def test_a_carrier_that_is_away_is_tried_again_later_and_then_given_up(told: Harness, sink: Sink):
    bill(told)
    with listen("127.0.0.1", 0) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    deliver(told, {EMAIL: Mail(nobody), SMS: TextMessages(f"http://{nobody}")})
    assert {state for state, _, _ in states(told).values()} == {"QUEUED"}
    deliver(told, sink.carriers())
    assert sink.arrived(MAIL) == [], "it is not due yet"
    told.sql("UPDATE delivery SET next_at = now()")
    deliver(told, sink.carriers())
    assert len(sink.arrived(MAIL)) == 1
    bill(told)
    told.sql("UPDATE delivery SET attempts = $1", TRIES - 1)
    deliver(told, {EMAIL: Mail(nobody), SMS: TextMessages(f"http://{nobody}")})
    assert sorted(row["state"] for row in told.sql("SELECT state FROM message")) == ["FAILED", "FAILED", "SENT", "SENT"]


def test_without_crm_everything_waits(told: Harness, sink: Sink):
    bill(told)
    with told.reaching({}, None):
        deliver(told, sink.carriers())
    assert {(state, why) for state, _, why in states(told).values()} == {("QUEUED", "crm does not answer")}


def test_an_address_cannot_add_a_header(sink: Sink):
    letter = Letter(uuid4(), "a@example.org\nBcc: b@example.org", "x", "y")
    with pytest.raises(UndeliverableError, match="no mail can be made"):
        asyncio.run(Mail(sink.mail_server).send(letter))
    assert "Bcc" not in mail_of(msgspec.structs.replace(letter, address="a@example.org"))


def test_the_provider_takes_the_same_reference_once_and_refuses_what_is_no_message(sink: Sink):
    letter = Letter(uuid4(), "+8801711111111", "", "Hello")
    provider = TextMessages(sink.url)

    async def twice() -> None:
        await provider.send(letter)
        await provider.send(letter)
        await provider.close()

    asyncio.run(twice())
    assert [one["text"] for one in sink.arrived(letter.address)] == ["Hello"]
    for content in (b"{", b"[]", b'{"to": "x"}'):
        assert httpx.post(f"{sink.url}/sms", content=content, trust_env=False).status_code == 400


def test_the_sink_serves_alone_on_addresses_of_its_own():
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as other:
        addresses = [f"127.0.0.1:{socket.getsockname()[1]}" for socket in (one, other)]
    command = [sys.executable, "-m", "certify_stack.embedded.sink", *addresses]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 20
            while not _ready(addresses[1]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            asyncio.run(Mail(addresses[0]).send(Letter(uuid4(), "a@example.org", "x", "y")))
            (mail,) = httpx.get(f"http://{addresses[1]}/messages", trust_env=False).json()
        finally:
            process.kill()
    assert (mail["to"], mail["subject"], mail["text"]) == ("a@example.org", "x", "y")


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/health/ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False
