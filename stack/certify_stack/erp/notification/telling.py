"""Events that people want to hear of become messages to them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.kit.database import Connection
from certify_stack.kit.messages import Envelope
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.tracing import outgoing

PUT = """
    INSERT INTO message (customer_id, user_id, address, state, body, sent_at)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
"""
QUEUE = "INSERT INTO delivery (message_id, channel, subject, traceparent) VALUES ($1, $2, $3, $4)"
EMAIL, SMS = "EMAIL", "SMS"


class Told(msgspec.Struct, frozen=True):
    """To whom what is said: one of customer and user.

    Customers hear of it by every carrier, users in the application, or by mail where the event says their address.
    """

    body: str
    subject: str = ""
    customer: UUID | None = None
    user: UUID | None = None
    mail: str | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The carriers; empty: it stays in the application."""
        if self.customer:
            return EMAIL, SMS
        return (EMAIL,) if self.mail else ()

    @property
    def address(self) -> str:
        """The recipient, as long as nobody has asked for the address."""
        if self.customer:
            return f"customer:{self.customer}"
        return self.mail or f"in-app:user:{self.user}"


def _issued(envelope: Envelope) -> Told:
    data = envelope.data
    body = f"You are billed {data['gross']} {data['currency']}. Please pay until {data['due_on']}."
    return Told(body, "Your invoice", customer=UUID(data["customer_id"]))


def _received(envelope: Envelope) -> Told:
    data = envelope.data
    body = f"We received {data['amount']} {data['currency']}. Thank you."
    return Told(body, "Receipt of your payment", customer=UUID(data["customer_id"]))


def _welcome(envelope: Envelope) -> Told:
    return Told(f"Welcome, {envelope.data['display_name']}.", user=envelope.subject)


def _password(envelope: Envelope) -> Told:
    return Told("Your password was changed. Tell an administrator if that was not you.", user=envelope.subject)


def _imported(envelope: Envelope) -> Told:
    data = envelope.data
    if data["state"] == "DONE":
        body = f"{data['file_name']}: {data['invoices']} invoices of {data['gross']} {data['currency']} were imported."
    else:
        body = f"{data['file_name']}: nothing was imported. {data['trouble']}."
    return Told(body, "Your import", user=UUID(data["requested_by_id"]), mail=data["address"])


TEXTS: Mapping[str, Callable[[Envelope], Told]] = {
    "InvoiceIssued": _issued,
    "PaymentReceived": _received,
    "UserCreated": _welcome,
    "PasswordChanged": _password,
    "ImportFinished": _imported,
}


async def tell(connection: Connection, envelope: Envelope) -> None:
    """Write the messages that an event calls for; most call for none."""
    write = TEXTS.get(envelope.type)
    if write is None:
        return
    told = write(envelope)
    for channel in told.channels or ("",):
        about: dict[str, Any] = {
            "customer_id": told.customer,
            "user_id": told.user,
            "address": told.address,
            "state": "QUEUED" if channel else "SENT",
            "body": told.body,
            "sent_at": None if channel else envelope.time,
        }
        key = await connection.fetchval(PUT, *about.values())
        if channel:
            await connection.execute(QUEUE, key, channel, told.subject, outgoing().get("traceparent"))
        made = Event(type="MessageCreated", subject=key, subject_type="Message", data=about)
        await record(connection, "notification", "notification", [made])
