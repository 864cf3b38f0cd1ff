"""Bearer tokens: RS256 JWTs of ``auth``, minted with its private key, verified anywhere with its public keys."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from certify_stack.kit.revocations import Revocations
from certify_stack.kit.roles import Role, Roles

ALGORITHM = "RS256"
REQUIRED_CLAIMS = ("exp", "iat", "iss", "aud", "sub", "roles")
CACHED_TOKENS = 2048

REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.InvalidAudienceError: "the token is for another audience",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.InvalidSignatureError: "the signature does not match",
    jwt.InvalidAlgorithmError: "the algorithm is not accepted",
}


class TokenError(Exception):
    """The token is not one to trust; the message says why, and holds nothing of the token."""


class UnknownKeyError(TokenError):
    """It is signed with a key that is not known here, or not yet."""


class UnsureError(TokenError):
    """It is good but for its session, of which it is not known yet whether it was ended."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        subject: A user's id or a service's name.
        roles: What it may be.
        session: The log-in that the token follows from; empty for a token that is of none, as services have.
    """

    subject: str
    roles: Roles
    session: str = ""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key of ``auth`` with its key id."""

    private: rsa.RSAPrivateKey
    kid: str

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read an unencrypted PEM file; of several keys the first.

        Raises:
            TokenError: The file does not hold an RSA key.
        """
        return cls.of(path.read_bytes(), path)

    @classmethod
    def of(cls, pem: bytes, path: Path) -> "SigningKey":
        """Read an unencrypted PEM text that was found in a file.

        Raises:
            TokenError: It does not hold an RSA key.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise TokenError(f"{path} does not hold an unencrypted private key in PEM") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TokenError(f"{path} does not hold an RSA private key")
        return cls(key, thumbprint(key.public_key()))

    def jwks(self) -> dict[str, Any]:
        """Return the public half as a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]}

    def mint(  # noqa: PLR0913 - what a token says, all by name
        self, subject: str, roles: Iterable[Role], *, issuer: str, audience: str, ttl: int, session: str = ""
    ) -> str:
        """Return a signed token that is valid for ``ttl`` seconds from now, or until its session is ended."""
        now = int(time.time())
        claims = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "roles": sorted(str(role) for role in roles),
            "iat": now,
            "exp": now + ttl,
            "jti": str(uuid4()),
        }
        if session:
            claims["sid"] = session
        return jwt.encode(claims, self.private, algorithm=ALGORITHM, headers={"kid": self.kid})


def thumbprint(key: rsa.RSAPublicKey) -> str:
    """Return a key id that follows from the key itself."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:32]


def load_jwks(source: Path | Mapping[str, Any]) -> dict[str, rsa.RSAPublicKey]:
    """Return the RSA keys of a key set by key id.

    Raises:
        TokenError: The set holds no usable RSA key.
    """
    document = source if isinstance(source, Mapping) else json.loads(source.read_text(encoding="utf-8"))
    keys = {}
    for entry in document.get("keys", ()):
        if entry.get("kty") != "RSA" or "kid" not in entry:
            continue
        key = RSAAlgorithm.from_jwk(entry)
        if isinstance(key, rsa.RSAPublicKey):
            keys[entry["kid"]] = key
    if not keys:
        raise TokenError("the key set of auth holds no RSA key with a kid")
    return keys


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was found good."""

    expires: float
    kid: str
    principal: Principal


class Verifier:
    """Checks tokens locally and remembers the good ones until they expire, or their key or their session is gone."""

    def __init__(
        self,
        keys: Mapping[str, rsa.RSAPublicKey],
        issuer: str,
        audience: str,
        revocations: Revocations | None = None,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._revocations = Revocations() if revocations is None else revocations
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def verify(self, token: str) -> Principal:
        """Return the principal of a good token.

        Raises:
            UnknownKeyError: Its key is not known here.
            UnsureError: This process has not read yet which sessions were ended.
            TokenError: Anything else about the token is wrong.
        """
        if not token:
            raise TokenError("a bearer token is required")
        principal = self._remembered(token) or self._examined(token)
        if principal.session and self._revocations.covers(principal.session):
            raise TokenError("the token was revoked")
        if principal.session and not self._revocations.known:
            raise UnsureError("it is not known yet which log-ins were ended; try again")
        return principal

    def _remembered(self, token: str) -> Principal | None:
        known = self._known.get(token)
        if known is None:
            return None
        if known.expires > time.time() and known.kid in self._keys:
            return known.principal
        del self._known[token]
        return None

    def _examined(self, token: str) -> Principal:
        known = self._known[token] = self._check(token)
        if len(self._known) > CACHED_TOKENS:
            self._known.popitem(last=False)
        return known.principal

    def _check(self, token: str) -> _Known:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            key = self._keys.get(kid)
            if key is None:
                raise UnknownKeyError("the token names no known key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": list(REQUIRED_CLAIMS)},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenError(_reason(error)) from error
        principal = Principal(str(claims["sub"]), _roles(claims["roles"]), str(claims.get("sid", "")))
        return _Known(float(claims["exp"]), kid, principal)


def _roles(claim: Any) -> Roles:
    """Return the roles that we know; an unknown role gives no right."""
    if not isinstance(claim, list):
        raise TokenError("the claim roles is not a list")
    return frozenset(Role(role) for role in claim if role in set(Role))


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the claim {error.claim} is absent"
    return next((text for kind, text in REASONS.items() if isinstance(error, kind)), "the token is malformed")
