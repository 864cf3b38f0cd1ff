"""Users and their credentials in the database."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg

from certify_stack.erp.auth.passwords import NOBODY, Digest, check_strength, hash_password, matches
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.roles import Role

FIND = """
    SELECT u.id, u.role, u.active, c.salt, c.digest, c.n, c.r, c.p
    FROM app_user AS u JOIN credential AS c ON c.user_id = u.id WHERE u.username = $1
"""
PUT_CREDENTIAL = """
    INSERT INTO credential (user_id, salt, digest, n, r, p) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_id) DO UPDATE SET salt = excluded.salt, digest = excluded.digest,
        n = excluded.n, r = excluded.r, p = excluded.p, changed_at = now()
"""
PUT_USER = """
    INSERT INTO app_user (id, username, display_name, role, active) VALUES ($1, $2, $2, $3, TRUE)
    ON CONFLICT (username) DO UPDATE SET role = excluded.role, active = TRUE, updated_at = now() RETURNING id
"""
PUT_ATTEMPT = "INSERT INTO login_attempt (user_id, username, outcome) VALUES ($1, $2, $3) RETURNING id"
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Account:
    """A user who proved to be one; by which password, is told by its digest, when it was by one."""

    id: UUID
    role: Role
    digest: bytes = b""


def user_id(username: str) -> UUID:
    """Return the id of a seeded user, which follows from the name."""
    return uuid5(NAMESPACE_URL, f"urn:erp:User:{username}")


async def put_credential(connection: Connection, user: UUID, digest: Digest) -> None:
    """Set the password of a user."""
    await connection.execute(PUT_CREDENTIAL, user, digest.salt, digest.digest, digest.n, digest.r, digest.p)


async def check(database: Database, username: str, password: str) -> Account | None:
    """Return the account when name and password fit and it is active; each attempt is written down."""
    row = await database.fetchrow(FIND, username)
    kept = Digest(row["salt"], row["digest"], row["n"], row["r"], row["p"]) if row else NOBODY
    good = await asyncio.to_thread(matches, password, kept)
    account = Account(row["id"], Role(row["role"]), kept.digest) if row and good and row["active"] else None
    await _note_attempt(database, row["id"] if row else None, username, account)
    return account


async def _note_attempt(database: Database, user: UUID | None, username: str, account: Account | None) -> None:
    about = {"user_id": user, "username": username, "outcome": "ACCEPTED" if account else "REFUSED"}
    async with database.transaction() as connection:
        key = await connection.fetchval(PUT_ATTEMPT, *about.values())
        tried = Event(type="LoginAttempted", subject=key, subject_type="LoginAttempt", data=about)
        await record(connection, "auth", str(account.id) if account else ANONYMOUS, [tried])


def seed_users(dsn: str, users: Mapping[str, tuple[str, str]]) -> None:
    """Make users or renew them: name -> (password, role). Call it where no event loop runs.

    Raises:
        InvalidInputError: A password is too short.
        ValueError: A role is unknown.
    """
    asyncio.run(seed_users_async(dsn, users))


async def seed_users_async(dsn: str, users: Mapping[str, tuple[str, str]]) -> None:
    """Make users or renew them: name -> (password, role).

    Raises:
        InvalidInputError: A password is too short.
        ValueError: A role is unknown.
    """
    for password, role in users.values():
        check_strength(password)
        Role(role)
    digests = await asyncio.gather(*(asyncio.to_thread(hash_password, password) for password, _ in users.values()))
    connection: Any = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for (username, (_, role)), digest in zip(users.items(), digests, strict=True):
                key = await connection.fetchval(PUT_USER, user_id(username), username, role)
                await put_credential(connection, key, digest)
    finally:
        await connection.close()
