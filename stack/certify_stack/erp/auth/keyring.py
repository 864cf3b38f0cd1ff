"""The signing keys of auth, as their file has them: the first signs, all are published. A changed file is read anew."""

import logging
import re
from pathlib import Path
from typing import Any

from certify_stack.kit.tokens import SigningKey, TokenError

log = logging.getLogger(__name__)

_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n?", re.DOTALL)


class KeyRing:
    """The keys of one file of PEM texts, newest first.

    Whoever rotates puts a new key before the others (``python -m certify_stack.erp.auth.rotate``): tokens of the old one
    hold until they expire, and services ask for the new one when they meet the first token of it.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            TokenError: It holds no key, or something else.
            OSError: It cannot be read.
        """
        self._path = path
        self._version = _version_of(path)
        self._keys = read_keys(path)

    def signing(self) -> SigningKey:
        """Return the key that signs now."""
        return self._current()[0]

    def jwks(self) -> dict[str, Any]:
        """Return the public halves of all keys as a JSON Web Key Set."""
        return {"keys": [entry for key in self._current() for entry in key.jwks()["keys"]]}

    async def published(self) -> dict[str, Any]:
        """Return what others are given; to auth itself."""
        return self.jwks()

    def _current(self) -> tuple[SigningKey, ...]:
        try:
            version = _version_of(self._path)
            if version != self._version:
                self._keys, self._version = read_keys(self._path), version
                log.info("signing keys read anew", extra={"kids": [key.kid for key in self._keys]})
        except (OSError, TokenError) as error:
            # What is being written, or was written wrongly, must not end the log-ins of everybody.
            log.error("signing keys stay as they were", extra={"cause": str(error)})  # noqa: TRY400 - the cause says all
        return self._keys


def read_keys(path: Path) -> tuple[SigningKey, ...]:
    """Return all keys of a file.

    Raises:
        TokenError: It holds no key, or something else.
        OSError: It cannot be read.
    """
    texts = _PEM.findall(path.read_bytes())
    if not texts:
        raise TokenError(f"{path} holds no key in PEM")
    return tuple(SigningKey.of(text, path) for text in texts)


def _version_of(path: Path) -> tuple[int, int, int]:
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_ino, seen.st_size
