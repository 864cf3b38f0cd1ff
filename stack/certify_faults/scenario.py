"""Faults that the scenario check must notice: a business event gets lost between services."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Fault, FaultKind
from certify_stack.kit.settings import Settings

SERVICE = "audit"
_ACCEPTED = {"data": {"recordAuditEntry": {"id": "00000000-0000-4000-8000-000000000000"}}}

Next = Callable[[Request], Awaitable[Response]]


def audit_forgets(app: FastAPI, service_name: str, settings: Settings) -> None:
    """The audit service says thank you for each entry, and keeps none."""
    del settings
    if service_name != SERVICE:
        return

    @app.middleware("http")
    async def forgetful(request: Request, call_next: Next) -> Response:
        if request.method == "POST" and b"recordAuditEntry" in await request.body():
            return JSONResponse(_ACCEPTED)
        return await call_next(request)


FAULTS = (
    Fault(
        name="audit-forgets",
        kind=FaultKind.OVERLAY,
        breaks="the audit service accepts every entry and keeps none",
        caught_by=("scenario.passes",),
        target=SERVICE,
        overlay=f"{__name__}:{audit_forgets.__name__}",
        options={"scenario": {"scenarios": ["invoice-to-audit"]}},
    ),
)
