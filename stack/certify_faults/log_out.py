"""Faults that the scenarios of log-out must notice: who logged out is still let in, by one service or by all."""

from typing import Any

from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_stack.erp.auth import sessions
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings

AUTH, FINANCE = "auth", "finance"
OPTIONS: dict[str, dict[str, object]] = {"scenario": {"scenarios": ["log-out"], "selftest": {}, "repeats": 0}}


def revoked_token_accepted(app: Starlette, name: str, settings: Settings) -> None:
    """Finance takes tokens until they expire, as one does that only verifies signatures."""
    del settings
    if name == FINANCE:
        runtime: Runtime = app.state.runtime
        runtime.revocations.covers = _nothing  # type: ignore[method-assign]


def refresh_token_reused(app: Starlette, name: str, settings: Settings) -> None:
    """Auth takes a refresh token again and again."""
    del app, settings
    if name == AUTH:
        sessions.USE = sessions.USED


def _nothing(session: str) -> bool:  # noqa: ARG001 - that is the fault
    return False


def _fault(name: str, target: str, breaks: str, overlay: Any) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=("scenario.log-out",),
        target=target,
        overlay=f"{__name__}:{overlay.__name__}",
        also=("scenario.passes",),
        options=OPTIONS,
        # Both are noticed by the same rule.
        alone=True,
    )


FAULTS = (
    _fault("revoked-token-accepted", FINANCE, "a token is accepted after its log-out", revoked_token_accepted),
    _fault("refresh-token-reused", AUTH, "a refresh token is good more than once", refresh_token_reused),
)
