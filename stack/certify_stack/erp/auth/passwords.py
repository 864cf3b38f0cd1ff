"""Passwords are kept as scrypt digests with a salt of their own; the cost is kept beside, so it can be raised."""

import hashlib
import hmac
import os
from dataclasses import dataclass

from certify_stack.kit.errors import InvalidInputError

SALT_BYTES = 16
COST_N, COST_R, COST_P = 16384, 8, 1
MEMORY = 64 * 1024 * 1024
SHORTEST, LONGEST = 12, 128


@dataclass(frozen=True, slots=True)
class Digest:
    """A password as it is kept."""

    salt: bytes
    digest: bytes
    n: int = COST_N
    r: int = COST_R
    p: int = COST_P


def check_strength(password: str) -> None:
    """Refuse what is too short to withstand guessing, or long enough to be an attack.

    Raises:
        InvalidInputError: The length is outside of 12 to 128 characters.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInputError(f"a password has {SHORTEST} to {LONGEST} characters")


def hash_password(password: str) -> Digest:
    """Return a new digest; some 40 ms of work, so call it in a thread."""
    salt = os.urandom(SALT_BYTES)
    return Digest(salt, _scrypt(password, salt, COST_N, COST_R, COST_P))


def matches(password: str, kept: Digest) -> bool:
    """Whether the password is the one that was kept, in constant time."""
    return hmac.compare_digest(_scrypt(password, kept.salt, kept.n, kept.r, kept.p), kept.digest)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=32)


# Compared with when there is no such user, so that the answer takes as long.
NOBODY = Digest(bytes(SALT_BYTES), bytes(32))
