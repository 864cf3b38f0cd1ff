"""Faults that the scenario check must notice: a business event gets lost, or altered, between services."""

import contextlib
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace
from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_stack.erp.notification import delivery
from certify_stack.erp.notification.carriers import Carrier, Letter
from certify_stack.erp.notification.telling import EMAIL, SMS
from certify_stack.kit.messaging import Messaging
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings
from certify_stack.kit.tracing import Tracing

AUDIT, NOTIFICATION, FINANCE = "audit", "notification", "finance"
MISSING, ALTERED = "InvoiceIssued", "PaymentReceived"
# The table refuses changes, also of its owner, who may however lift the refusal.
ALTER = (
    "ALTER TABLE audit_entry DISABLE TRIGGER USER",
    """UPDATE audit_entry SET detail = jsonb_set(detail::jsonb, '{amount}', '"0.01"')::text
    WHERE sequence = (SELECT max(sequence) FROM audit_entry)""",
    "ALTER TABLE audit_entry ENABLE TRIGGER USER",
)
# Only the tests that can notice; without the self-test, and without repeats, which would only confirm what is seen.
OPTIONS: dict[str, dict[str, object]] = {
    "scenario": {"scenarios": ["invoice-to-audit", "e-mail", "sms"], "selftest": {}, "repeats": 0}
}


def audit_forgets(app: Starlette, service_name: str, settings: Settings) -> None:
    """The audit service takes each event, notes it as seen, and keeps no entry."""
    del settings
    if service_name == AUDIT and (consumer := _messaging(app).consumer):
        consumer.handle = _forget


async def _forget(connection: Any, envelope: Any) -> None:
    """What the consumer calls for each event."""


def audit_entry_missing(app: Starlette, service_name: str, settings: Settings) -> None:
    """The audit service keeps no entry of one type of event."""
    del settings
    if service_name != AUDIT or (consumer := _messaging(app).consumer) is None:
        return
    handle = consumer.handle

    async def most(connection: Any, envelope: Any) -> None:
        if envelope.type != MISSING:
            await handle(connection, envelope)

    consumer.handle = most


def audit_entry_altered(app: Starlette, service_name: str, settings: Settings) -> None:
    """Somebody with access to the database of the audit service changes the amount in entries of payments."""
    del settings
    if service_name != AUDIT or (consumer := _messaging(app).consumer) is None:
        return
    handle = consumer.handle

    async def altering(connection: Any, envelope: Any) -> None:
        await handle(connection, envelope)
        if envelope.type == ALTERED:
            for statement in ALTER:
                await connection.execute(statement)

    consumer.handle = altering


class _Lost:
    """A carrier that takes everything and delivers nothing."""

    async def send(self, letter: Letter) -> None:
        del letter

    async def close(self) -> None:
        """Nothing is open."""


class _Misdialling:
    """A provider that is given a number with another last digit."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def send(self, letter: Letter) -> None:
        last = (int(letter.address[-1]) + 1) % 10
        await self._carrier.send(replace(letter, address=f"{letter.address[:-1]}{last}"))

    async def close(self) -> None:
        await self._carrier.close()


def email_not_sent(app: Starlette, service_name: str, settings: Settings) -> None:
    """The notification service calls e-mails sent that it never gave to the mail server."""
    del app, settings
    if service_name == NOTIFICATION:
        _replace_carrier(EMAIL, lambda _: _Lost())


def sms_to_wrong_number(app: Starlette, service_name: str, settings: Settings) -> None:
    """The notification service sends text messages to another number than the customer's."""
    del app, settings
    if service_name == NOTIFICATION:
        _replace_carrier(SMS, _Misdialling)


def _replace_carrier(channel: str, by: Any) -> None:
    """Have the carriers of this process made otherwise; it is the service's own, forked for it."""
    make = delivery.carriers_of

    def otherwise(runtime: Runtime) -> dict[str, Carrier]:
        carriers = make(runtime)
        return {**carriers, channel: by(carriers[channel])}

    delivery.carriers_of = otherwise


class _Untraced:
    """A tracing whose messages carry no context."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    @contextlib.contextmanager
    def producing(self, topic: str, parent: Any = None) -> Iterator[dict[str, str]]:
        with self._tracing.producing(topic, parent):
            yield {}


def trace_lost(app: Starlette, service_name: str, settings: Settings) -> None:
    """The finance service's events carry no trace, so whoever consumes them begins another one."""
    del settings
    if service_name == FINANCE and (relay := _messaging(app).relay):
        relay._tracing = _Untraced(relay._tracing)  # type: ignore[assignment]  # noqa: SLF001 - a fault gets in somewhere


def _messaging(app: Starlette) -> Messaging:
    messaging: Messaging = app.state.messaging
    return messaging


def _fault(overlay: Any, target: str, breaks: str, *caught_by: str) -> Fault:
    """All of them are noticed in the same tests, so none shares a stack with another."""
    return Fault(
        name=overlay.__name__.replace("_", "-"),
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=caught_by,
        target=target,
        overlay=f"{__name__}:{overlay.__name__}",
        alone=True,
        options=OPTIONS,
    )


_PASSES, _WHOLE, _MAIL, _SMS = "scenario.passes", "scenario.invoice-to-audit", "scenario.e-mail", "scenario.sms"

FAULTS = (
    _fault(audit_forgets, AUDIT, "the audit service takes every event and keeps no entry of it", _PASSES, _WHOLE),
    _fault(audit_entry_missing, AUDIT, "the audit trail lacks the entry of one type of event", _PASSES, _WHOLE),
    _fault(audit_entry_altered, AUDIT, "the amount in an audit entry was changed afterwards", _PASSES, _WHOLE),
    _fault(email_not_sent, NOTIFICATION, "e-mails are called sent that never left", _PASSES, _WHOLE, _MAIL),
    _fault(sms_to_wrong_number, NOTIFICATION, "text messages go to a wrong number", _PASSES, _WHOLE, _SMS),
    _fault(trace_lost, FINANCE, "the trace is lost on the way from one service to the others", _PASSES, _WHOLE),
)
