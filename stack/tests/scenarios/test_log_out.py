"""Who logs out is out: no service takes the token any more, although it has not expired, and others stay logged in."""

from typing import Any

import pytest

pytestmark = pytest.mark.scenario("log-out")

ANY = "{ __typename }"
CUSTOMERS = "{ customers(limit: 1) { id } }"
UNAUTHORIZED = 401


def test_no_service_takes_a_token_after_its_log_out(
    stack: Any, service: Any, gateway: Any, user: Any, eventually: Any
) -> None:
    token, other = user("clerk").new_token(), user("clerk").new_token()
    everywhere = [one.name for one in stack.services]
    taken = {name: service(name).answer(ANY, token).ok for name in everywhere}
    assert all(taken.values()), taken
    assert gateway.query(CUSTOMERS, token)["customers"]

    assert service("auth").post("/logout", user=token).status_code == 204

    def refused() -> bool:
        taking = [name for name in everywhere if service(name).answer(ANY, token).status != UNAUTHORIZED]
        assert not taking, f"a token that was revoked is still taken by {', '.join(taking)}"
        return True

    eventually(refused, what="every service refusing the token")
    assert gateway.answer(CUSTOMERS, token).data.get("customers") is None
    assert gateway.query(CUSTOMERS, other)["customers"]


def test_a_log_in_is_renewed_until_its_log_out(stack: Any, service: Any) -> None:
    known = stack.credentials["users"]["clerk"]
    auth = service("auth")
    first = auth.post("/login", {name: known[name] for name in ("username", "password")}).json()
    second = auth.post("/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert auth.answer(ANY, second["access_token"]).ok
    assert auth.post("/logout", user=second["access_token"]).status_code == 204
    for token in (first["access_token"], second["access_token"]):
        assert auth.answer(ANY, token).status == UNAUTHORIZED
    assert auth.post("/refresh", {"refresh_token": second["refresh_token"]}).status_code == UNAUTHORIZED


def test_a_refresh_token_that_was_copied_ends_the_log_in(stack: Any, service: Any) -> None:
    known = stack.credentials["users"]["clerk"]
    auth = service("auth")
    first = auth.post("/login", {name: known[name] for name in ("username", "password")}).json()
    second = auth.post("/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert auth.post("/refresh", {"refresh_token": first["refresh_token"]}).status_code == UNAUTHORIZED
    assert auth.answer(ANY, second["access_token"]).status == UNAUTHORIZED
    assert auth.post("/refresh", {"refresh_token": second["refresh_token"]}).status_code == UNAUTHORIZED
