"""Auth and other services, each with a memory of its own, and a real broker between them: who logged out is out everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from erp_broker import stopped, write
from erp_harness import Harness, scratch_database

from certify_stack.erp.auth import accounts
from certify_stack.kit import revocation_feed
from certify_stack.kit.tokens import SigningKey

GOOD = "a long enough password"
ANY = {"query": "{ __typename }"}


def login(auth: Harness) -> dict[str, str]:
    """Return the header of a new log-in."""
    answer = auth.post("/login", json={"username": "nora", "password": GOOD})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def logout(auth: Harness, headers: dict[str, str]) -> None:
    assert auth.post("/logout", headers=headers).status_code == 204


def status(erp: Harness, headers: dict[str, str]) -> int:
    return erp.post("/graphql", json=ANY, headers=headers).status_code


def part(erp: Harness) -> str:
    return str(erp.get("/health/ready").json()["parts"]["revocations"])


@pytest.fixture(scope="module")
def auth(server: str, signing_key: tuple[SigningKey, Path], broker: Any) -> Iterator[Harness]:
    with (
        scratch_database(server, "auth") as dsn,
        Harness.running("auth", dsn, *signing_key, broker=broker.bootstrap) as auth,
    ):
        auth.run(accounts.seed_users_async(dsn, {"nora": (GOOD, "clerk")}))
        yield auth


@pytest.fixture(scope="module")
def hr(server: str, signing_key: tuple[SigningKey, Path], broker: Any, auth: Harness) -> Iterator[Harness]:
    with (
        scratch_database(server, "hr") as dsn,
        Harness.running("hr", dsn, *signing_key, runner=auth, broker=broker.bootstrap) as hr,
    ):
        hr.settle(lambda: part(hr) == "ok")
        yield hr


def test_a_log_out_is_heard_by_other_services(auth: Harness, hr: Harness):
    tokens, other = login(auth), login(auth)
    assert status(hr, tokens) == 200
    logout(auth, tokens)
    hr.settle(lambda: status(hr, tokens) == 401)
    assert status(hr, other) == 200


def test_a_service_that_starts_later_knows_of_it_before_it_is_ready(  # noqa: PLR0913, PLR0917 - all that a service needs
    auth: Harness,
    hr: Harness,
    server: str,
    signing_key: tuple[SigningKey, Path],
    broker: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    # What is there already must not wait for what comes next.
    monkeypatch.setattr(revocation_feed, "WAIT_MS", 300_000)
    tokens = login(auth)
    logout(auth, tokens)
    hr.settle(lambda: status(hr, tokens) == 401)
    with (
        scratch_database(server, "crm") as dsn,
        Harness.running("crm", dsn, *signing_key, runner=auth, broker=broker.bootstrap) as late,
    ):
        late.settle(lambda: part(late) == "ok")
        assert status(late, tokens) == 401


def test_a_service_that_cannot_know_yet_lets_no_log_in_in(
    auth: Harness, server: str, signing_key: tuple[SigningKey, Path]
):
    """It starts while the broker is away: who logged out before must not be let in, so nobody is who could have."""
    tokens = login(auth)
    with (
        scratch_database(server, "crm") as dsn,
        Harness.running("crm", dsn, *signing_key, runner=auth, broker="127.0.0.1:9") as deaf,
    ):
        assert part(deaf) != "ok"
        assert status(deaf, tokens) == 503
        # A token of a service is of no log-in, and cannot be revoked.
        assert status(deaf, {"authorization": f"Bearer {deaf.token('service')}"}) == 200


def test_a_service_that_is_cut_off_later_goes_on_with_what_it_knows(auth: Harness, hr: Harness):
    tokens, gone = login(auth), login(auth)
    logout(auth, gone)
    hr.settle(lambda: status(hr, gone) == 401)
    with stopped(hr, "revocations"):
        assert [status(hr, headers) for headers in (tokens, gone)] == [200, 401]


def test_what_cannot_be_read_hinders_nothing(auth: Harness, hr: Harness, broker: Any):
    bad = (b'"SessionEnded"', b'{"type": "SessionEnded"}', b"\xff" + b'"SessionEnded"')
    hr.run(write(broker.bootstrap, "auth.events", bad))
    tokens = login(auth)
    logout(auth, tokens)
    hr.settle(lambda: status(hr, tokens) == 401)
    assert part(hr) == "ok"


def test_readiness_tells_of_a_service_that_does_not_hear(hr: Harness):
    with stopped(hr, "revocations"):
        assert part(hr) == "not running"
        assert hr.get("/health/ready").json()["failing"] == ["revocations"]
    hr.settle(lambda: part(hr) == "ok")
