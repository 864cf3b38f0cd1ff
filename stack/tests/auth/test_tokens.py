"""Keys and tokens: what is refused, what is remembered, and an instance that has no signing key."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from certify_stack.kit import tokens
from certify_stack.kit.app import create_app
from certify_stack.kit.roles import Role
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import SigningKey, TokenError, Verifier, load_jwks, thumbprint

ISSUER, AUDIENCE = "urn:test:issuer", "urn:test:audience"


@pytest.fixture(scope="module")
def key() -> SigningKey:
    private = rsa.generate_private_key(65537, 2048)
    return SigningKey(private, thumbprint(private.public_key()))


@pytest.fixture
def verifier(key: SigningKey) -> Verifier:
    return Verifier(load_jwks(key.jwks()), ISSUER, AUDIENCE)


def minted(key: SigningKey, subject: str = "clara", ttl: int = 60) -> str:
    return key.mint(subject, [Role.CLERK], issuer=ISSUER, audience=AUDIENCE, ttl=ttl)


def pem(private: Any) -> bytes:
    written: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written


def test_a_key_is_read_from_its_file_and_another_kind_is_refused(tmp_path: Path, key: SigningKey):
    (tmp_path / "rsa.pem").write_bytes(pem(key.private))
    assert SigningKey.load(tmp_path / "rsa.pem").kid == key.kid
    (tmp_path / "ec.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(TokenError, match="does not hold an RSA private key"):
        SigningKey.load(tmp_path / "ec.pem")


def test_a_key_set_gives_its_public_rsa_keys_only(tmp_path: Path, key: SigningKey):
    private = {**RSAAlgorithm.to_jwk(key.private, as_dict=True), "kid": "private"}
    keys = [{"kty": "EC", "kid": "ec"}, {"kty": "RSA"}, private, *key.jwks()["keys"]]
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    assert list(load_jwks(file)) == [key.kid]
    with pytest.raises(TokenError, match="holds no RSA key"):
        load_jwks({"keys": keys[:3]})


def test_a_good_token_is_checked_once_until_it_expires(
    key: SigningKey, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
):
    token = minted(key, ttl=30)
    assert verifier.verify(token).subject == "clara"
    monkeypatch.setattr(verifier, "_check", lambda _: pytest.fail("it was checked again"))
    assert verifier.verify(token).subject == "clara"
    monkeypatch.undo()
    now = time.time()
    monkeypatch.setattr(tokens.time, "time", lambda: now + 31)
    monkeypatch.setattr(verifier, "_check", lambda _: (_ for _ in ()).throw(TokenError("checked")))
    with pytest.raises(TokenError, match="checked"):
        verifier.verify(token)


def test_no_more_tokens_are_remembered_than_there_is_room_for(
    key: SigningKey, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tokens, "CACHED_TOKENS", 2)
    for subject in ("a", "b", "c"):
        assert verifier.verify(minted(key, subject)).subject == subject
    assert len(verifier._known) == 2


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"roles": "clerk"}, "roles is not a list"),
        ({"sub": None}, "sub"),
        ({"aud": "other"}, "audience"),
    ],
)
def test_a_token_with_wrong_claims_is_refused(key: SigningKey, verifier: Verifier, claims: dict[str, Any], said: str):
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "clara", "roles": ["clerk"], "iat": now, "exp": now + 60}
    wanted = {name: value for name, value in (good | claims).items() if value is not None}
    token = jwt.encode(wanted, key.private, algorithm="RS256", headers={"kid": key.kid})
    with pytest.raises(TokenError, match=said):
        verifier.verify(token)


@pytest.mark.parametrize("token", ["", "no.token.at-all"])
def test_what_is_no_token_is_refused(verifier: Verifier, token: str):
    with pytest.raises(TokenError):
        verifier.verify(token)


def test_a_token_of_an_unknown_key_is_refused(verifier: Verifier):
    private = rsa.generate_private_key(65537, 2048)
    with pytest.raises(TokenError, match="no known key"):
        verifier.verify(minted(SigningKey(private, "other")))


def test_an_instance_without_a_signing_key_says_so(key: SigningKey):
    settings = Settings(database_dsn="postgresql://nobody@127.0.0.1:1/none", auth_public_jwks=key.jwks())
    transport = httpx.ASGITransport(create_app("auth", settings))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
            given = {"username": "clara", "password": "a long enough password"}
            return [await client.post("/login", json=given), await client.get("/.well-known/jwks.json")]

    for answer in asyncio.run(ask()):
        assert answer.status_code == 503
        assert answer.json()["error"] == "no_signing_key"
