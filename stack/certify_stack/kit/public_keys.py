"""The public keys of auth: those that a service was told at its start, and those that auth has published since."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from certify_stack.kit.client import CallError
from certify_stack.kit.tokens import TokenError, load_jwks

log = logging.getLogger(__name__)

# Tokens with made-up key ids must not become requests to auth.
PAUSE_SECONDS = 5.0

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]


class PublicKeys(Mapping[str, rsa.RSAPublicKey]):
    """Keys by key id. A key that auth publishes no more is gone with the next renewal.

    Attributes:
        fetch: Gives the key set as auth publishes it.
    """

    def __init__(self, told: Mapping[str, rsa.RSAPublicKey], fetch: Fetch) -> None:
        self.fetch = fetch
        self._keys = dict(told)
        self._asked = float("-inf")
        self._one = asyncio.Lock()

    def __getitem__(self, kid: str) -> rsa.RSAPublicKey:
        return self._keys[kid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    async def renew(self) -> bool:
        """Ask auth for its keys, at most every 5 s; return whether there are other keys than before this call."""
        before = self._keys
        async with self._one:
            if self._keys is before and time.monotonic() - self._asked >= PAUSE_SECONDS:
                await self._renew()
        return self._keys is not before

    async def _renew(self) -> None:
        self._asked = time.monotonic()
        try:
            keys = load_jwks(await self.fetch())
        except (TokenError, CallError, jwt.PyJWTError, ValueError) as error:
            log.warning("the keys of auth are not to be had", extra={"cause": str(error)})
            return
        if keys.keys() != self._keys.keys():
            log.info("keys renewed", extra={"kids": sorted(keys)})
            self._keys = keys
