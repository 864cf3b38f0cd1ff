"""Faults that the scenario check must notice: a business event gets lost between services."""

from typing import Any

from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_stack.kit.messaging import Messaging
from certify_stack.kit.settings import Settings

SERVICE = "audit"


def audit_forgets(app: Starlette, service_name: str, settings: Settings) -> None:
    """The audit service takes each event, notes it as seen, and keeps no entry."""
    del settings
    messaging: Messaging = app.state.messaging
    if service_name == SERVICE and messaging.consumer:
        messaging.consumer.handle = _forget


async def _forget(connection: Any, envelope: Any) -> None:
    """What the consumer calls for each event."""


FAULTS = (
    Fault(
        name="audit-forgets",
        kind=FaultKind.OVERLAY,
        breaks="the audit service takes every event and keeps no entry of it",
        caught_by=("scenario.passes",),
        target=SERVICE,
        overlay=f"{__name__}:{audit_forgets.__name__}",
        options={"scenario": {"scenarios": ["invoice-to-audit"]}},
    ),
)
