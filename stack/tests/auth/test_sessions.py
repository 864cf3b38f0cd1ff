"""Log-ins: renewed by tokens that are good once, ended by whoever may, and heard of by other services."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import jwt
import pytest
from erp_harness import Harness

from certify_stack.erp.auth import accounts, sessions

GOOD = "a long enough password"
ME = {"query": "{ me { username } }"}
ANY = {"query": "{ __typename }"}
CHANGE = "mutation($c: String!, $n: String!) { changePassword(current: $c, new: $n) }"
END = "mutation($u: ID!) { endSessions(userId: $u) }"


@pytest.fixture
def user(erp: Harness) -> str:
    """A user whom no other test knows."""
    name = f"user-{uuid4()}"
    erp.run(accounts.seed_users_async(erp.settings.database_dsn, {name: (GOOD, "clerk")}))
    return name


def login(erp: Harness, name: str, password: str = GOOD) -> dict[str, Any]:
    answer = erp.post("/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refresh(erp: Harness, token: str) -> tuple[int, dict[str, Any]]:
    answer = erp.post("/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def status(erp: Harness, tokens: dict[str, Any], body: dict[str, str] = ANY) -> int:
    return erp.post("/graphql", json=body, headers=bearer(tokens)).status_code


def endings(erp: Harness, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    session = jwt.decode(tokens["access_token"], options={"verify_signature": False})["sid"]
    query = "SELECT envelope->'data' AS data FROM outbox WHERE key = $1 AND envelope->>'type' = 'SessionEnded'"
    return [json.loads(row["data"]) for row in erp.sql(query, session)]


def test_a_log_in_is_renewed_with_a_new_pair_of_tokens(erp: Harness, user: str):
    first = login(erp, user)
    code, second = refresh(erp, first["refresh_token"])
    assert (code, second["token_type"], second["expires_in"]) == (200, "Bearer", 1800)
    assert len({first["access_token"], second["access_token"]}) == len(
        {first["refresh_token"], second["refresh_token"]}
    )
    assert first["refresh_token"] != second["refresh_token"]
    answer = erp.post("/graphql", json=ME, headers=bearer(second)).json()
    assert answer["data"]["me"]["username"] == user
    assert refresh(erp, second["refresh_token"])[0] == 200


def test_a_refresh_token_that_comes_twice_ends_the_log_in(erp: Harness, user: str):
    first = login(erp, user)
    other = login(erp, user)
    _, second = refresh(erp, first["refresh_token"])
    assert status(erp, second) == 200
    code, told = refresh(erp, first["refresh_token"])
    assert (code, told["error"]) == (401, "bad_refresh_token")
    assert [status(erp, tokens) for tokens in (first, second, other)] == [401, 401, 200]
    assert refresh(erp, second["refresh_token"])[0] == 401
    (ended,) = endings(erp, first)
    assert (ended["ended_by"], ended["user_id"]) == ("REUSE", str(accounts.user_id(user)))


def test_of_two_renewals_at_once_one_at_most_is_good(erp: Harness, user: str):
    token = login(erp, user)["refresh_token"]

    async def both() -> list[int]:
        sent = (erp._http.post("/refresh", json={"refresh_token": token}) for _ in range(2))
        return sorted(answer.status_code for answer in await asyncio.gather(*sent))

    assert erp.run(both()) == [200, 401]


@pytest.mark.parametrize("body", ["{", "{}", '{"refresh_token": 1}'])
def test_what_is_no_renewal_is_refused(erp: Harness, body: str):
    assert erp.post("/refresh", content=body, headers={"content-type": "application/json"}).status_code == 400


@pytest.mark.parametrize("token", ["", "never given", "x" * 100_000])
def test_a_made_up_refresh_token_is_refused(erp: Harness, token: str):
    assert refresh(erp, token)[0] == 401


def test_after_a_log_out_no_token_of_it_is_good(erp: Harness, user: str):
    tokens, other = login(erp, user), login(erp, user)
    answer = erp.post("/logout", headers=bearer(tokens))
    assert (answer.status_code, answer.content) == (204, b"")
    refused = erp.post("/graphql", json=ANY, headers=bearer(tokens))
    assert (refused.status_code, refused.json()["message"]) == (401, "the token was revoked")
    assert refresh(erp, tokens["refresh_token"])[0] == 401
    assert erp.post("/logout", headers=bearer(tokens)).status_code == 401
    assert status(erp, other) == 200
    (ended,) = endings(erp, tokens)
    assert ended["ended_by"] == "LOG_OUT"


def test_whoever_has_no_log_in_cannot_log_out(erp: Harness):
    assert erp.post("/logout").status_code == 401
    answer = erp.post("/logout", headers={"authorization": f"Bearer {erp.token()}"})
    assert (answer.status_code, answer.json()["error"]) == (400, "no_session")


def test_who_changes_the_password_stays_logged_in_alone(erp: Harness, user: str):
    here, there = login(erp, user), login(erp, user)
    given = {"query": CHANGE, "variables": {"c": GOOD, "n": "another long password"}}
    assert erp.post("/graphql", json=given, headers=bearer(here)).json()["data"] == {"changePassword": True}
    assert [status(erp, tokens) for tokens in (here, there)] == [200, 401]
    assert [one["ended_by"] for one in endings(erp, there)] == ["PASSWORD"]


def test_a_password_that_is_changed_during_a_log_in_begins_none(erp: Harness, user: str):
    database = erp.app.state.runtime.database
    proved = erp.run(accounts.check(database, user, GOOD))
    here = login(erp, user)
    given = {"query": CHANGE, "variables": {"c": GOOD, "n": "another long password"}}
    assert erp.post("/graphql", json=given, headers=bearer(here)).json()["data"] == {"changePassword": True}
    assert erp.run(sessions.start(database, proved)) is None
    assert erp.run(sessions.start(database, erp.run(accounts.check(database, user, "another long password"))))


def test_an_administrator_ends_all_log_ins_of_a_user(erp: Harness, user: str):
    both = login(erp, user), login(erp, user)
    key = str(accounts.user_id(user))
    assert erp.refusal(END, {"u": key}, role="accountant") == "FORBIDDEN"
    assert erp.ask(END, {"u": key}) == {"endSessions": 2}
    assert [status(erp, tokens) for tokens in both] == [401, 401]
    assert erp.ask(END, {"u": key}) == {"endSessions": 0}
    assert erp.refusal(END, {"u": str(uuid4())}) == "NOT_FOUND"


def test_a_log_in_that_is_over_or_of_a_closed_account_is_not_renewed(erp: Harness, user: str):
    late, closed = login(erp, user), login(erp, user)
    session = jwt.decode(late["access_token"], options={"verify_signature": False})["sid"]
    erp.sql("UPDATE session SET expires_at = now() - interval '1 s' WHERE id = $1", session)
    assert refresh(erp, late["refresh_token"])[0] == 401
    erp.sql("UPDATE app_user SET active = FALSE WHERE username = $1", user)
    assert refresh(erp, closed["refresh_token"])[0] == 401
    assert endings(erp, late) == endings(erp, closed) == []


def test_log_ins_that_are_long_over_are_forgotten_at_the_next(erp: Harness, user: str):
    for _ in range(2):
        login(erp, user)
    key = accounts.user_id(user)
    (kept, _) = erp.sql("SELECT id FROM session WHERE user_id = $1", key)
    erp.sql(
        "UPDATE session SET expires_at = now() - interval '2 days' WHERE user_id = $1 AND id <> $2", key, kept["id"]
    )
    login(erp, user)
    left = erp.sql("SELECT s.id FROM session AS s JOIN refresh_token ON session_id = s.id WHERE user_id = $1", key)
    assert (len(left), kept["id"] in {row["id"] for row in left}) == (2, True)


def test_refresh_tokens_are_kept_as_digests(erp: Harness, user: str):
    token = login(erp, user)["refresh_token"]
    rows = erp.sql("SELECT digest FROM refresh_token")
    assert rows
    assert all(len(row["digest"]) == 32 and token.encode() not in row["digest"] for row in rows)
