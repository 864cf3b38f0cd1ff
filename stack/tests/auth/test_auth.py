import asyncio

import jwt
import pytest
from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.auth import accounts, passwords
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER

CREATE = "mutation($i: NewUserInput!) { createUser(input: $i) { id username role active employee { id } } }"
CHANGE = "mutation($c: String!, $n: String!) { changePassword(current: $c, new: $n) }"
GOOD = "a long enough password"


def new_user(name: str, **changes: object) -> dict[str, object]:
    return {"i": {"username": name, "displayName": name.title(), "role": "CLERK", "password": GOOD} | changes}


def login(erp: Harness, username: str, password: str):
    return erp.post("/login", json={"username": username, "password": password})


@pytest.fixture(scope="module")
def users(erp: Harness) -> Harness:
    names = {"clara": (GOOD, "clerk"), "adam": (GOOD + "!", "admin")}
    erp.run(accounts.seed_users_async(erp.settings.database_dsn, names))
    return erp


class TestAuth(EntityContract):
    def test_a_user_gets_a_token_that_the_public_key_verifies(self, users: Harness):
        answer = login(users, "clara", GOOD)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        body = answer.json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 1800)
        keys = jwt.PyJWKSet.from_dict(users.get("/.well-known/jwks.json").json())
        key = keys[jwt.get_unverified_header(body["access_token"])["kid"]]
        claims = jwt.decode(body["access_token"], key, ["RS256"], audience=DEFAULT_AUDIENCE, issuer=DEFAULT_ISSUER)
        assert (claims["roles"], claims["sub"]) == (["clerk"], str(accounts.user_id("clara")))
        assert claims["exp"] - claims["iat"] == 1800

    def test_the_token_says_who_asks(self, users: Harness):
        token = login(users, "clara", GOOD).json()["access_token"]
        answer = users.run(users._graphql("{ me { username role } }", None, token)).get("data")
        assert answer == {"me": {"username": "clara", "role": "CLERK"}}
        forbidden = users.run(users._graphql(CREATE, new_user("x"), token))
        assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    @pytest.mark.parametrize(("name", "password"), [("clara", "wrong password"), ("nobody", GOOD), ("user-001", GOOD)])
    def test_a_wrong_log_in_is_refused_and_written_down(self, users: Harness, name: str, password: str):
        answer = login(users, name, password)
        assert (answer.status_code, answer.json()["error"]) == (401, "bad_credentials")
        (latest,) = users.ask("{ loginAttempts(limit: 1) { username outcome } }", role="auditor")["loginAttempts"]
        assert latest == {"username": name, "outcome": "REFUSED"}

    @pytest.mark.parametrize(
        "body",
        [
            "{",
            "[]",
            '{"username": "x"}',
            '{"username": 1, "password": "x"}',
            '{"username": "", "password": "x"}',
            '{"username": "a\\u0000", "password": "x"}',
            '{"username": "' + "x" * 201 + '", "password": "x"}',
        ],
    )
    def test_what_is_no_log_in_is_refused(self, users: Harness, body: str):
        assert users.post("/login", content=body, headers={"content-type": "application/json"}).status_code == 400

    def test_a_form_is_not_taken(self, users: Harness):
        assert users.post("/login", data={"username": "clara", "password": GOOD}).status_code == 415

    def test_nobody_logs_in_while_the_database_is_away(self, users: Harness):
        with users.without_database():
            assert login(users, "clara", GOOD).status_code == 503
        assert login(users, "clara", GOOD).status_code == 200

    def test_an_admin_makes_a_user_who_can_log_in_until_switched_off(self, users: Harness):
        made = users.ask(CREATE, new_user("nadia", role="AUDITOR"))["createUser"]
        assert (made["role"], made["active"], made["employee"]) == ("AUDITOR", True, None)
        assert login(users, "nadia", GOOD).status_code == 200
        off = "mutation($id: ID!) { updateUser(id: $id, input: {active: false}) { active } }"
        users.ask(off, {"id": made["id"]})
        assert login(users, "nadia", GOOD).status_code == 401

    def test_user_names_are_given_once_and_passwords_are_long(self, users: Harness):
        users.ask(CREATE, new_user("omar"))
        assert users.refusal(CREATE, new_user("omar")) == "CONFLICT"
        for bad in ("short", "x" * 129):
            assert users.refusal(CREATE, new_user("pavel", password=bad)) == "BAD_USER_INPUT"

    def test_a_user_changes_the_own_password(self, users: Harness):
        made = users.ask(CREATE, new_user("rita"))["createUser"]
        token = users.token("clerk", subject=made["id"])

        def change(current: str, new: str) -> dict:
            return users.run(users._graphql(CHANGE, {"c": current, "n": new}, token))

        assert change("not the password", "another long password")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert change(GOOD, "another long password")["data"] == {"changePassword": True}
        assert login(users, "rita", GOOD).status_code == 401
        assert login(users, "rita", "another long password").status_code == 200

    def test_others_are_told_of_users_and_log_ins_but_never_of_passwords(self, users: Harness):
        rows = users.sql("SELECT envelope::text AS text, envelope->>'type' AS type FROM outbox")
        assert {"UserCreated", "LoginAttempted", "PasswordChanged"} <= {row["type"] for row in rows}
        assert not any("digest" in row["text"] or "salt" in row["text"] for row in rows)
        told = [row["text"] for row in rows if row["type"] == "LoginAttempted"]
        assert any('"actor": "anonymous"' in text and "REFUSED" in text for text in told)

    def test_who_has_no_password_changes_none(self, users: Harness):
        given = {"c": GOOD, "n": "another long password"}
        assert users.refusal(CHANGE, given) == "NOT_FOUND"
        token = users.token("service", subject="finance")
        answer = users.run(users._graphql(CHANGE, given, token))
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        assert users.run(users._graphql("{ me { id } }", None, token))["data"] == {"me": None}

    def test_passwords_are_kept_as_salted_digests(self, users: Harness):
        rows = users.sql("SELECT salt, digest FROM credential")
        assert len({row["salt"] for row in rows}) == len(rows) > 1
        assert all(GOOD.encode() not in row["digest"] and len(row["digest"]) == 32 for row in rows)

    def test_seeding_again_renews_the_password(self, users: Harness):
        dsn = users.settings.database_dsn
        for password in ("the first password", "the second password"):
            users.run(accounts.seed_users_async(dsn, {"sara": (password, "accountant")}))
        assert login(users, "sara", "the first password").status_code == 401
        assert login(users, "sara", "the second password").status_code == 200

    def test_seeding_refuses_weak_passwords_and_unknown_roles(self, users: Harness):
        with pytest.raises(InvalidInputError):
            users.run(accounts.seed_users_async(users.settings.database_dsn, {"x": ("short", "clerk")}))
        with pytest.raises(ValueError, match="emperor"):
            users.run(accounts.seed_users_async(users.settings.database_dsn, {"x": (GOOD, "emperor")}))

    def test_the_attempts_are_not_for_clerks(self, users: Harness):
        assert users.refusal("{ loginAttempts { id } }", role="clerk") == "FORBIDDEN"


def test_a_digest_matches_its_password_only():
    kept = passwords.hash_password(GOOD)
    assert passwords.matches(GOOD, kept)
    assert not passwords.matches(GOOD + " ", kept)
    assert not passwords.matches(GOOD, passwords.NOBODY)
    assert asyncio.run(asyncio.to_thread(passwords.hash_password, GOOD)).salt != kept.salt
