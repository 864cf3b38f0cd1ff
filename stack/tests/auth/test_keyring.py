"""Signing keys: rotated in their file, published at once, asked for by services that meet a token of a new one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from erp_harness import Harness, scratch_database

from certify_stack.erp.auth import accounts, rotate
from certify_stack.erp.auth.keyring import KeyRing
from certify_stack.kit import public_keys
from certify_stack.kit.tokens import SigningKey, TokenError, load_jwks

GOOD = "a long enough password"
ANY = {"query": "{ __typename }"}


def key_file(folder: Path) -> Path:
    private = rsa.generate_private_key(65537, 2048)
    path = folder / "auth.pem"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def test_a_rotated_file_signs_with_the_new_key_and_publishes_the_last_two(tmp_path: Path):
    path = key_file(tmp_path)
    ring = KeyRing(path)
    seen = [ring.signing().kid]
    for _ in range(2):
        seen.insert(0, rotate.rotate(path).kid)
        assert ring.signing().kid == seen[0]
        assert kids(ring) == seen[:2]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    rotate.rotate(path, only=True)
    assert len(kids(ring)) == 1
    assert not set(kids(ring)) & set(seen)


def test_a_file_that_was_spoilt_leaves_the_keys_as_they_were(tmp_path: Path):
    path = key_file(tmp_path)
    ring = KeyRing(path)
    before = kids(ring)
    for spoilt in (b"", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"):
        path.write_bytes(spoilt)
        assert kids(ring) == before
        with pytest.raises(TokenError, match=r"auth\.pem"):
            KeyRing(path)
    path.unlink()
    assert kids(ring) == before


def test_the_command_rotates_a_file_and_says_what_is_wrong_with_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = key_file(tmp_path)
    assert rotate.main([str(path)]) == 0
    assert capsys.readouterr().out.strip() == SigningKey.load(path).kid
    assert rotate.main([str(tmp_path / "none.pem")]) == 2
    assert "none.pem" in capsys.readouterr().err


def test_the_command_makes_the_first_key_and_tells_the_public_ones(tmp_path: Path):
    path, public = tmp_path / "auth.pem", tmp_path / "jwks.json"
    assert rotate.main([str(path), "--create", "--jwks", str(public)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    first = SigningKey.load(path).kid
    assert list(load_jwks(public)) == [first]
    assert rotate.main([str(path), "--create", "--jwks", str(public)]) == 0
    assert SigningKey.load(path).kid == first, "a key that is there stays"
    assert rotate.main([str(path), "--jwks", str(public)]) == 0
    assert list(load_jwks(public)) == [SigningKey.load(path).kid, first]


@pytest.fixture(scope="module")
def auth(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Auth with a key file of its own."""
    path = key_file(tmp_path_factory.mktemp("keys"))
    with scratch_database(server, "auth") as dsn, Harness.running("auth", dsn, SigningKey.load(path), path) as auth:
        auth.run(accounts.seed_users_async(dsn, {"nora": (GOOD, "clerk")}))
        yield auth


@pytest.fixture
def hr(server: str, auth: Harness, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    """Another service, which was told of the keys as they are now, and can ask auth."""
    monkeypatch.setattr(public_keys, "PAUSE_SECONDS", 0.0)
    path = auth.settings.auth_private_key
    assert path is not None
    with (
        scratch_database(server, "hr") as dsn,
        Harness.running("hr", dsn, SigningKey.load(path), path, runner=auth) as hr,
        hr.calling(auth, None),
    ):
        yield hr


def login(auth: Harness) -> dict[str, str]:
    answer = auth.post("/login", json={"username": "nora", "password": GOOD})
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def status(erp: Harness, headers: dict[str, str]) -> int:
    return erp.post("/graphql", json=ANY, headers=headers).status_code


def test_a_service_asks_for_the_key_of_a_token_that_it_does_not_know(auth: Harness, hr: Harness):
    old = login(auth)
    assert status(hr, old) == 200
    rotate.rotate(auth.settings.auth_private_key)
    new = login(auth)
    assert [status(erp, headers) for erp in (auth, hr) for headers in (new, old)] == [200] * 4
    rotate.rotate(auth.settings.auth_private_key)
    newer = login(auth)
    # The key of the oldest token is published no more, and the token is forgotten, although it was known as good.
    assert [status(hr, headers) for headers in (newer, new, old)] == [200, 200, 401]


def test_a_made_up_key_id_makes_one_question_in_a_while(hr: Harness, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(public_keys, "PAUSE_SECONDS", 3600.0)
    asked: list[str] = []
    keys = hr.app.state.runtime.keys
    fetch = keys.fetch

    async def counting() -> Any:
        asked.append("asked")
        return await fetch()

    keys.fetch = counting
    stranger = SigningKey(rsa.generate_private_key(65537, 2048), "made-up")
    headers = {"authorization": f"Bearer {stranger.mint('x', [], issuer='a', audience='b', ttl=9)}"}
    assert [status(hr, headers) for _ in range(3)] == [401] * 3
    assert asked == ["asked"]


@pytest.mark.parametrize("answer", [{}, {"keys": []}, {"keys": [{"kty": "RSA", "kid": "x", "n": "!", "e": "!"}]}])
def test_a_key_set_that_is_none_changes_nothing(auth: Harness, hr: Harness, answer: dict[str, Any]):
    async def spoilt() -> dict[str, Any]:
        return answer

    good = login(auth)
    hr.app.state.runtime.keys.fetch = spoilt
    unknown = jwt.encode({"sub": "x"}, "k" * 32, headers={"kid": json.dumps(answer)})
    assert status(hr, {"authorization": f"Bearer {unknown}"}) == 401
    assert status(hr, good) == 200


def test_while_auth_is_away_the_known_keys_hold(auth: Harness, hr: Harness):
    good = login(auth)
    with hr.reaching({"auth": "http://127.0.0.1:9"}, None):
        stranger = SigningKey(rsa.generate_private_key(65537, 2048), "made-up")
        token = stranger.mint("x", [], issuer="a", audience="b", ttl=9)
        assert status(hr, {"authorization": f"Bearer {token}"}) == 401
        assert status(hr, good) == 200
