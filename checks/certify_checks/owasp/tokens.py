"""Forged tokens: a good token taken apart and put together wrongly, once for each attack (RFC 8725, section 2)."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

GOOD, RESIGNED = "good", "resigned"
HOUR = 3600


class Forged(msgspec.Struct, frozen=True):
    """Tokens by name.

    Attributes:
        genuine: must be accepted: the given token, and one that we signed ourselves with the given key.
        attacks: must be refused; None is no token at all.
        missing: attacks that could not be made -> why.
    """

    genuine: dict[str, str]
    attacks: dict[str, str | None]
    missing: dict[str, str]


def forge(good: str, facts: dict[str, Any]) -> Forged:
    """Make every attack that `facts` (`credentials["jwt"]`) allow from one good token.

    Raises:
        ValueError: the good token is no JWT.
    """
    try:
        header = jwt.get_unverified_header(good)
        claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"the stack's token is no JWT: {error}") from error
    algorithm = str(header.get("alg", ""))
    if algorithm not in jwt.algorithms.get_default_algorithms() or algorithm == "none":
        raise ValueError(f"the stack's token has the unusable algorithm {algorithm!r}")
    attacks: dict[str, str | None] = {
        "absent": None,
        "wrong-key": _sign(_fresh(claims), _other_key(algorithm), algorithm, header),
        "alg-none": f"{_part({**header, 'alg': 'none'})}.{_part(claims)}.",
        "tampered": _tampered(good, claims),
    }
    try:
        key = load_pem_private_key(_key_file(facts).read_bytes(), password=None)
        resigned = _sign(_fresh(claims), key, algorithm, header)
    except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
        return Forged({GOOD: good}, attacks, dict.fromkeys(("expired", *_names(facts)), str(error)))
    return Forged(
        {GOOD: good, RESIGNED: resigned}, attacks | _signed(claims, header, key, algorithm, facts), missing={}
    )


def _key_file(facts: dict[str, Any]) -> Path:
    if not facts.get("private_key_file"):
        raise ValueError("the stack gives no signing key")
    return Path(str(facts["private_key_file"]))


def _names(facts: dict[str, Any]) -> list[str]:
    return [f"wrong-{name}" for name in ("audience", "issuer") if facts.get(name)]


def _signed(
    claims: dict[str, Any], header: dict[str, Any], key: Any, algorithm: str, facts: dict[str, Any]
) -> dict[str, str | None]:
    """Attacks whose signature is right, so that only the claim can be the ground for a refusal."""
    now = int(time.time())
    past = {name: now - 2 * HOUR for name in ("iat", "nbf") if name in claims} | {"exp": now - HOUR}
    made: dict[str, str | None] = {"expired": _sign(claims | past, key, algorithm, header)}
    if facts.get("audience"):
        made["wrong-audience"] = _sign(_fresh(claims) | {"aud": "urn:certify:another"}, key, algorithm, header)
    if facts.get("issuer"):
        made["wrong-issuer"] = _sign(_fresh(claims) | {"iss": "urn:certify:another"}, key, algorithm, header)
    if hasattr(key, "public_key"):
        made["key-confusion"] = _confused(_fresh(claims), header, key)
    return made


def _fresh(claims: dict[str, Any]) -> dict[str, Any]:
    return claims | {"exp": int(time.time()) + HOUR}


def _sign(claims: dict[str, Any], key: Any, algorithm: str, header: dict[str, Any]) -> str:
    extra = {name: value for name, value in header.items() if name not in {"alg", "typ"}}
    return jwt.encode(claims, key, algorithm=algorithm, headers=extra)


def _confused(claims: dict[str, Any], header: dict[str, Any], key: Any) -> str:
    """Sign with HMAC and the public key as its secret; by hand, because PyJWT rightly refuses to."""
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
    return f"{signed}.{_encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _tampered(good: str, claims: dict[str, Any]) -> str:
    """Another subject with a later expiry under the old signature."""
    head, _, signature = good.split(".")
    return f"{head}.{_part(_fresh(claims) | {'sub': 'certify-tampered'})}.{signature}"


def _other_key(algorithm: str) -> Any:
    match algorithm[:2]:
        case "ES":
            curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
            return ec.generate_private_key(curves.get(algorithm, ec.SECP256R1()))
        case "Ed":
            return ed25519.Ed25519PrivateKey.generate()
        case "HS":
            return hashlib.sha512(b"certify: another secret").hexdigest()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _part(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
