"""Commands that a client may send again: one effect and one answer for each key."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.kit.database import Connection
from certify_stack.kit.errors import ConflictError

KNOWN = "SELECT fingerprint, result FROM command_key WHERE key = $1"
REMEMBER = "INSERT INTO command_key (key, fingerprint, result) VALUES ($1, $2, $3)"


class Asked(msgspec.Struct, frozen=True):
    """A command as a client sent it: its name, what it says, and the client's own key if it gave one."""

    command: str
    content: tuple[Any, ...]
    key: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of name and content as compact JSON; amounts are strings there."""
        return hashlib.sha256(msgspec.json.encode([self.command, *self.content])).hexdigest()


async def recall(connection: Connection, asked: Asked) -> UUID | None:
    """Return what the command with this key did before; the caller holds the lock that all commands take.

    Raises:
        ConflictError: The key was used for another command, or with other content.
    """
    known = None if asked.key is None else await connection.fetchrow(KNOWN, asked.key)
    if known is None:
        return None
    if known["fingerprint"] != asked.fingerprint:
        raise ConflictError("idempotencyKey was used for another command, or with other content")
    result: UUID = known["result"]
    return result


async def remember(connection: Connection, asked: Asked, result: UUID) -> None:
    """Note what the command did, in its own transaction."""
    if asked.key is not None:
        await connection.execute(REMEMBER, asked.key, asked.fingerprint, result)
