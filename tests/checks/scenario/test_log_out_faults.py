"""What the planted faults of log-out do, beside what the clean code does."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from certify_faults import log_out
from certify_stack.erp.auth import sessions
from certify_stack.kit.revocations import Revocations

NOTHING: Any = None


def app_with(revocations: Revocations) -> Any:
    return SimpleNamespace(state=SimpleNamespace(runtime=SimpleNamespace(revocations=revocations)))


@pytest.mark.parametrize(("service", "refused"), [("hr", True), ("finance", False)])
def test_a_service_that_forgets_what_was_revoked(service: str, *, refused: bool):
    revocations = Revocations()
    revocations.add("session", datetime.now(UTC) + timedelta(seconds=60))
    log_out.revoked_token_accepted(app_with(revocations), service, NOTHING)
    assert revocations.covers("session") is refused


@pytest.mark.parametrize(("service", "changed"), [("hr", False), ("auth", True)])
def test_a_refresh_token_that_is_good_again(monkeypatch: pytest.MonkeyPatch, service: str, *, changed: bool):
    monkeypatch.setattr(sessions, "USE", sessions.USE)
    before = sessions.USE
    log_out.refresh_token_reused(NOTHING, service, NOTHING)
    assert (before != sessions.USE) is changed


def test_what_was_revoked_is_forgotten_when_its_tokens_have_expired():
    revocations = Revocations()
    revocations.add("old", datetime.now(UTC) - timedelta(seconds=1))
    revocations.add("new", datetime.now(UTC) + timedelta(seconds=60))
    revocations.prune()
    assert (len(revocations), revocations.covers("old"), revocations.covers("new")) == (1, False, True)
