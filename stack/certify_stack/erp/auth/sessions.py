"""Log-ins that last: refresh tokens, each good for one renewal, and how a log-in ends.

A refresh token that comes a second time was copied by somebody, and nobody can tell who is who: the whole log-in ends
(RFC 9700, section 4.14.2).
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from certify_stack.erp.auth.accounts import Account
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.revocations import SESSION_ENDED, TOKEN_SECONDS, UNTIL, Revocations
from certify_stack.kit.roles import Role

log = logging.getLogger(__name__)

SESSION_SECONDS = 12 * 3600
REFRESH_BYTES = 32

# Long after a token of theirs can come again; their refresh tokens go with them.
FORGET = "DELETE FROM session WHERE user_id = $1 AND expires_at < now() - interval '1 day'"
# Whoever changes the password waits for this, or this for them: so no log-in by the old one outlives the change.
START = """
    INSERT INTO session (user_id, expires_at)
    SELECT user_id, $2 FROM credential WHERE user_id = $1 AND digest = $3 FOR SHARE RETURNING id
"""
GIVE = "INSERT INTO refresh_token (digest, session_id) VALUES ($1, $2)"
USE = "UPDATE refresh_token SET used_at = now() WHERE digest = $1 AND used_at IS NULL RETURNING session_id"
USED = "SELECT session_id FROM refresh_token WHERE digest = $1"
OF_WHOM = """
    SELECT u.id, u.role FROM session AS s JOIN app_user AS u ON u.id = s.user_id
    WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND u.active FOR UPDATE OF s
"""
END_ONE = """
    UPDATE session SET ended_at = now(), ended_by = $2 WHERE id = $1 AND ended_at IS NULL RETURNING id, user_id
"""
END_ALL = """
    UPDATE session SET ended_at = now(), ended_by = $2
    WHERE user_id = $1 AND id IS DISTINCT FROM $3 AND ended_at IS NULL AND expires_at > now() - $4::interval
    RETURNING id, user_id
"""


class Ending(StrEnum):
    """Why a log-in ended before its time."""

    LOG_OUT = "LOG_OUT"
    REUSE = "REUSE"
    PASSWORD = "PASSWORD"  # noqa: S105 - the reason, not a password
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that goes on: whose it is, and the token that renews it."""

    id: UUID
    account: Account
    refresh_token: str


async def start(database: Database, account: Account) -> Session | None:
    """Begin a log-in of somebody who proved to be that user; those that are long over are forgotten.

    None when the password was changed since it was proved.
    """
    async with database.transaction() as connection:
        await connection.execute(FORGET, account.id)
        expires = datetime.now(UTC) + timedelta(seconds=SESSION_SECONDS)
        key = await connection.fetchval(START, account.id, expires, account.digest)
        return key and Session(key, account, await _give(connection, key))


async def renew(database: Database, revocations: Revocations, refresh_token: str) -> Session | None:
    """Take a refresh token for a new one; None when it is not, or no more, good for one."""
    digest = _digest(refresh_token)
    async with database.transaction() as connection:
        key = await connection.fetchval(USE, digest)
        row = await connection.fetchrow(OF_WHOM, key) if key else None
        if row:
            account = Account(row["id"], Role(row["role"]))
            return Session(key, account, await _give(connection, key))
        copied = None if key else await connection.fetchval(USED, digest)
        ended = await connection.fetch(END_ONE, copied, Ending.REUSE) if copied else []
        await _tell(connection, "auth", Ending.REUSE, ended)
    for one in ended:
        log.warning("refresh token came twice", extra={"session": one["id"], "actor": one["user_id"]})
    revoke(revocations, [one["id"] for one in ended])
    return None


async def end(database: Database, revocations: Revocations, session: UUID, actor: str) -> None:
    """Log out: no token of this log-in is good any more, here at once, elsewhere as soon as the event is there."""
    async with database.transaction() as connection:
        ended = await connection.fetch(END_ONE, session, Ending.LOG_OUT)
        await _tell(connection, actor, Ending.LOG_OUT, ended)
    revoke(revocations, [one["id"] for one in ended])


async def end_all(connection: Connection, user: UUID, actor: str, why: Ending, but: UUID | None = None) -> list[UUID]:
    """End the log-ins of a user, in the transaction of what calls for it; the caller revokes them after it."""
    late = timedelta(seconds=TOKEN_SECONDS)
    ended = await connection.fetch(END_ALL, user, why, but, late)
    await _tell(connection, actor, why, ended)
    return [one["id"] for one in ended]


def revoke(revocations: Revocations, sessions: Sequence[UUID]) -> None:
    """Refuse the tokens of sessions in this process, before the event comes back."""
    for session in sessions:
        revocations.add(str(session), _until())


async def _tell(connection: Connection, actor: str, why: Ending, ended: Sequence[Any]) -> None:
    events = (
        Event(
            type=SESSION_ENDED,
            subject=one["id"],
            subject_type="Session",
            data={"user_id": one["user_id"], "ended_by": why, UNTIL: _until()},
        )
        for one in ended
    )
    await record(connection, "auth", actor, events)


def _until() -> datetime:
    """When the last access token of a log-in that ends now has expired."""
    return datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)


async def _give(connection: Connection, session: UUID) -> str:
    token = secrets.token_urlsafe(REFRESH_BYTES)
    await connection.execute(GIVE, _digest(token), session)
    return token


def _digest(token: str) -> bytes:
    # Random and long: a plain digest keeps it, nobody can guess it.
    return hashlib.sha256(token.encode()).digest()
