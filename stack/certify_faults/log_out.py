"""Faults that the scenarios of log-out must notice: who logged out is still let in, by one service or by all."""

from functools import partial

from starlette.applications import Starlette

from certify_faults.scenarios import noticed_alone
from certify_stack.erp.auth import sessions
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings

AUTH, FINANCE = "auth", "finance"


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


_fault = partial(noticed_alone, "log-out")

FAULTS = (
    _fault("revoked-token-accepted", revoked_token_accepted, FINANCE, "a token is accepted after its log-out"),
    _fault("refresh-token-reused", refresh_token_reused, AUTH, "a refresh token is good more than once"),
)
