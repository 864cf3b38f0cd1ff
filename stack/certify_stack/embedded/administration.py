"""What only the superuser of a PostgreSQL server does: databases with their owners, and closing them to everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Connect = Callable[[], Awaitable[Any]]
_PARALLEL = 4


async def set_passwords(connect: Connect, passwords: Mapping[str, str | None]) -> None:
    """Give roles their passwords; None takes a password away."""
    given = {role: "NULL" if word is None else f"'{word}'" for role, word in passwords.items()}
    await _execute(connect, "; ".join(f"ALTER ROLE {quoted(role)} PASSWORD {word}" for role, word in given.items()))


async def create_databases(connect: Connect, passwords: Mapping[str, str]) -> None:
    """Create databases in parallel, each owned by a role of its name with that password and closed to other roles."""
    waiting = asyncio.Semaphore(_PARALLEL)

    async def create(name: str, password: str) -> None:
        async with waiting:
            await _execute(
                connect,
                f"CREATE ROLE {quoted(name)} LOGIN PASSWORD '{password}'",
                f"CREATE DATABASE {quoted(name)} OWNER {quoted(name)} STRATEGY file_copy",
                f"REVOKE CONNECT ON DATABASE {quoted(name)} FROM PUBLIC",
            )

    async with asyncio.TaskGroup() as group:
        for name, password in passwords.items():
            group.create_task(create(name, password))


async def close_database(connect: Connect, name: str) -> None:
    """Let nobody connect to a database any more, and end the connections that there are."""
    literal = "'" + name.replace("'", "''") + "'"
    await _execute(
        connect,
        f"ALTER DATABASE {quoted(name)} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = {literal}",  # noqa: S608 - quoted
    )


async def open_database(connect: Connect, name: str) -> None:
    """Let those connect again who may."""
    await _execute(connect, f"ALTER DATABASE {quoted(name)} ALLOW_CONNECTIONS true")


def quoted(name: str) -> str:
    """An identifier as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


async def _execute(connect: Connect, *statements: str) -> None:
    connection = await connect()
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
