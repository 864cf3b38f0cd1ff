"""Faults that the scenario check must notice: a business event gets lost between services."""

from fastapi import FastAPI

from certify.api import Fault, FaultKind
from certify_stack.kit.settings import Settings

SERVICE = "audit"


def audit_forgets(app: FastAPI, service_name: str, settings: Settings) -> None:
    """The audit service takes each event from the broker, and keeps no entry of it."""
    del settings
    if service_name != SERVICE:
        return

    async def forget(_connection: object, _envelope: object) -> None:
        """Do nothing."""

    app.state.messaging.consumer.handle = forget


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
