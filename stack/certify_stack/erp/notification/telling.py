"""Events that people want to hear of become messages to them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.kit.database import Connection
from certify_stack.kit.messages import Envelope
from certify_stack.kit.outbox import Event, record

PUT = """
    INSERT INTO message (customer_id, user_id, address, state, body, sent_at)
    VALUES ($1, $2, $3, 'SENT', $4, $5) RETURNING id
"""


class Told(msgspec.Struct, frozen=True):
    """To whom what is said: one of customer and user."""

    body: str
    customer: UUID | None = None
    user: UUID | None = None

    @property
    def address(self) -> str:
        """The recipient's place inside of the application; nothing leaves it yet."""
        return f"in-app:customer:{self.customer}" if self.customer else f"in-app:user:{self.user}"


def _issued(envelope: Envelope) -> Told:
    data = envelope.data
    body = f"You are billed {data['gross']} {data['currency']}. Please pay until {data['due_on']}."
    return Told(body, customer=UUID(data["customer_id"]))


def _received(envelope: Envelope) -> Told:
    data = envelope.data
    return Told(f"We received {data['amount']} {data['currency']}. Thank you.", customer=UUID(data["customer_id"]))


def _welcome(envelope: Envelope) -> Told:
    return Told(f"Welcome, {envelope.data['display_name']}.", user=envelope.subject)


def _password(envelope: Envelope) -> Told:
    return Told("Your password was changed. Tell an administrator if that was not you.", user=envelope.subject)


TEXTS: Mapping[str, Callable[[Envelope], Told]] = {
    "InvoiceIssued": _issued,
    "PaymentReceived": _received,
    "UserCreated": _welcome,
    "PasswordChanged": _password,
}


async def tell(connection: Connection, envelope: Envelope) -> None:
    """Write the message that an event calls for; most call for none."""
    write = TEXTS.get(envelope.type)
    if write is None:
        return
    told = write(envelope)
    about: dict[str, Any] = {
        "customer_id": told.customer,
        "user_id": told.user,
        "address": told.address,
        "body": told.body,
        "sent_at": envelope.time,
    }
    key = await connection.fetchval(PUT, *about.values())
    made = Event(type="MessageCreated", subject=key, subject_type="Message", data=about)
    await record(connection, "notification", "notification", [made])
