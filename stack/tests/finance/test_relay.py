from collections.abc import Iterator
from pathlib import Path

import pytest
from erp_harness import USER_ID, Harness, scratch_database

from certify_stack.erp.finance.relay import send_waiting
from certify_stack.kit.client import CallError
from certify_stack.kit.roles import Role
from certify_stack.kit.tokens import SigningKey

CREATE = 'mutation { createInvoice(input: {customerId: "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001", lines: [{productId: "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001", description: "x", quantity: "1", unitPrice: "3.33", vatRate: "5"}]}) { id } }'
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def audit(server: str, signing_key: tuple[SigningKey, Path], erp: Harness) -> Iterator[Harness]:
    """The audit service, in the same loop as finance."""
    with (
        scratch_database(server, "audit") as dsn,
        Harness.running("audit", dsn, *signing_key, runner=erp) as other,
    ):
        yield other


@pytest.fixture
def connected(erp: Harness, audit: Harness, tmp_path: Path) -> Iterator[Harness]:
    """Finance with the URL and a token for audit."""
    token = tmp_path / "token"
    token.write_text(erp.token("service", subject="finance"), encoding="ascii")
    with erp.calling(audit, token):
        yield erp


def entries(audit: Harness, subject: str) -> list[dict[str, object]]:
    query = "query($s: ID!) { auditEntries(subject: $s) { action service actorName traceId actor { id } eventId } }"
    return audit.ask(query, {"s": subject}, role="auditor")["auditEntries"]


def waiting(erp: Harness) -> int:
    return erp.sql("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL")[0]["n"]


def test_what_was_done_reaches_audit_with_actor_and_trace(connected: Harness, audit: Harness):
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    key = connected.ask(CREATE, headers=headers)["createInvoice"]["id"]
    connected.settle(lambda: waiting(connected) == 0)
    (entry,) = entries(audit, key)
    assert (entry["action"], entry["service"], entry["traceId"]) == ("InvoiceCreated", "finance", TRACE)
    assert (entry["actorName"], entry["actor"]) == (USER_ID, {"id": USER_ID})
    assert connected.get("/health/ready").json()["parts"]["relay"] == "ok"


def test_what_was_sent_twice_is_recorded_once(connected: Harness, audit: Harness):
    key = connected.ask(CREATE)["createInvoice"]["id"]
    connected.settle(lambda: waiting(connected) == 0)
    connected.sql("UPDATE outbox SET sent_at = NULL")
    connected.settle(lambda: waiting(connected) == 0)
    assert len(entries(audit, key)) == 1


def test_entries_wait_while_audit_is_away(erp: Harness, audit: Harness, tmp_path: Path):
    key = erp.ask(CREATE)["createInvoice"]["id"]
    with pytest.raises(CallError, match="no URL of audit"):
        erp.run(send_waiting(erp.app.state.runtime))
    assert waiting(erp) == 1
    assert erp.get("/health/ready").status_code == 200
    token = tmp_path / "token"
    token.write_text(erp.token("service", subject="finance"), encoding="ascii")
    with erp.calling(audit, token):
        erp.settle(lambda: waiting(erp) == 0, 10)
    assert len(entries(audit, key)) == 1


def test_the_relay_goes_on_after_its_connections_were_killed(connected: Harness, audit: Harness):
    with connected.without_database():
        pass
    key = connected.ask(CREATE)["createInvoice"]["id"]
    connected.settle(lambda: waiting(connected) == 0, 10)
    assert len(entries(audit, key)) == 1


@pytest.mark.parametrize("role", [Role.CLERK, Role.AUDITOR])
def test_a_token_that_audit_does_not_accept_is_named(erp: Harness, audit: Harness, tmp_path: Path, role: Role):
    erp.ask(CREATE)
    token = tmp_path / "token"
    token.write_text(erp.token(role), encoding="ascii")
    with erp.calling(audit, token), pytest.raises(CallError, match="not allowed for your roles"):
        erp.run(send_waiting(erp.app.state.runtime))
