"""The one-time token of a load, from which master and workers derive their key pairs; nothing of it ever travels.

CurveZMQ (RFC 26 of ZeroMQ) encrypts and authenticates: a worker knows the master's public key, and the master lets only
the one client in whose key follows from the token.
"""

import hashlib
import secrets
from typing import Final, NamedTuple

import zmq
from zmq.utils import z85

VARIABLE: Final = "CERTIFY_LOAD_TOKEN"
SHORTEST: Final = 32  # characters: nobody may guess one, so it is made by `new_token` or by something as good
MASTER: Final = b"certify load master"
WORKER: Final = b"certify load worker"


class TokenError(ValueError):
    """The token cannot be one."""


class Pair(NamedTuple):
    """Public and secret key of one side, in Z85 as ZeroMQ takes them."""

    public: bytes
    secret: bytes


def new_token() -> str:
    """A token that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(32)


def pair(token: str, side: bytes) -> Pair:
    """The key pair of `MASTER` or `WORKER`.

    Raises:
        TokenError: the token is too short to be one.
    """
    if len(token) < SHORTEST:
        raise TokenError(f"a token has {SHORTEST} characters and more; this one has {len(token)}")
    secret = z85.encode(hashlib.blake2b(token.encode(), digest_size=32, key=side).digest())
    return Pair(zmq.curve_public(secret), secret)
