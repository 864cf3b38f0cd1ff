"""What every service owes its tokens: bad ones refused, good ones remembered for as long as they hold."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from certify_stack.kit import tokens
from certify_stack.kit.roles import Role
from certify_stack.kit.tokens import SigningKey, TokenError, Verifier, load_jwks

ISSUER, AUDIENCE = "urn:test:issuer", "urn:test:audience"


def minted(key: SigningKey, subject: str = "clara", ttl: int = 60) -> str:
    return key.mint(subject, [Role.CLERK], issuer=ISSUER, audience=AUDIENCE, ttl=ttl)


def pem(private: Any) -> bytes:
    written: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written


class TokenContract:
    @pytest.fixture
    def token_key(self, signing_key: tuple[SigningKey, Path]) -> SigningKey:
        return signing_key[0]

    @pytest.fixture
    def verifier(self, token_key: SigningKey) -> Verifier:
        return Verifier(load_jwks(token_key.jwks()), ISSUER, AUDIENCE)

    def test_a_key_is_read_from_its_file_and_another_kind_is_refused(self, tmp_path: Path, token_key: SigningKey):
        (tmp_path / "rsa.pem").write_bytes(pem(token_key.private))
        assert SigningKey.load(tmp_path / "rsa.pem").kid == token_key.kid
        (tmp_path / "ec.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
        with pytest.raises(TokenError, match="does not hold an RSA private key"):
            SigningKey.load(tmp_path / "ec.pem")

    def test_a_key_set_gives_its_public_rsa_keys_only(self, tmp_path: Path, token_key: SigningKey):
        private = {**RSAAlgorithm.to_jwk(token_key.private, as_dict=True), "kid": "private"}
        keys = [{"kty": "EC", "kid": "ec"}, {"kty": "RSA"}, private, *token_key.jwks()["keys"]]
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps({"keys": keys}))
        assert list(load_jwks(file)) == [token_key.kid]
        with pytest.raises(TokenError, match="holds no RSA key"):
            load_jwks({"keys": keys[:3]})

    def test_a_good_token_is_checked_once_until_it_expires(
        self, token_key: SigningKey, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
    ):
        token = minted(token_key, ttl=30)
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
        self, token_key: SigningKey, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(tokens, "CACHED_TOKENS", 2)
        for subject in ("a", "b", "c"):
            assert verifier.verify(minted(token_key, subject)).subject == subject
        assert len(verifier._known) == 2

    @pytest.mark.parametrize(
        ("claims", "said"),
        [
            ({"roles": "clerk"}, "roles is not a list"),
            ({"sub": None}, "sub"),
            ({"aud": "other"}, "audience"),
        ],
    )
    def test_a_token_with_wrong_claims_is_refused(
        self, token_key: SigningKey, verifier: Verifier, claims: dict[str, Any], said: str
    ):
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "clara", "roles": ["clerk"], "iat": now, "exp": now + 60}
        wanted = {name: value for name, value in (good | claims).items() if value is not None}
        token = jwt.encode(wanted, token_key.private, algorithm="RS256", headers={"kid": token_key.kid})
        with pytest.raises(TokenError, match=said):
            verifier.verify(token)

    @pytest.mark.parametrize("token", ["", "no.token.at-all"])
    def test_what_is_no_token_is_refused(self, verifier: Verifier, token: str):
        with pytest.raises(TokenError):
            verifier.verify(token)

    def test_a_token_of_an_unknown_key_is_refused(self, verifier: Verifier):
        private = rsa.generate_private_key(65537, 2048)
        with pytest.raises(TokenError, match="no known key"):
            verifier.verify(minted(SigningKey(private, "other")))
