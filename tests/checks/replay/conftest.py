"""A real PostgreSQL, and a small event-sourced product with a rebuild command of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certify_stack.embedded.postgres import PostgresServer, temporary

SCHEMA = """
CREATE TABLE events (position bigserial PRIMARY KEY, account text NOT NULL, amount numeric(18,2) NOT NULL);
CREATE TABLE balance (account text PRIMARY KEY, total numeric(18,2) NOT NULL, note text);
CREATE TABLE refund (account text PRIMARY KEY);
INSERT INTO events (account, amount) SELECT 'a' || n % 5, n FROM generate_series(1, 40) n;
INSERT INTO balance SELECT account, sum(amount), 'kept' FROM events GROUP BY account;
"""
REBUILD = """
import asyncio, sys, asyncpg
async def main(dsn, schema, note):
    connection = await asyncpg.connect(dsn)
    await connection.execute(f'CREATE SCHEMA "{schema}"; CREATE TABLE "{schema}".refund (account text PRIMARY KEY);'
        f'CREATE TABLE "{schema}".balance (account text PRIMARY KEY, total numeric(18,2) NOT NULL, note text);'
        f'INSERT INTO "{schema}".balance SELECT account, sum(amount), {note} FROM events GROUP BY account;')
    await connection.close()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with temporary() as server:
        yield server


@pytest.fixture
def ledger(postgres: PostgresServer, tmp_path: Path) -> str:
    """DSN of a fresh database with 40 events and 5 balances."""
    (tmp_path / "rebuild.py").write_text(REBUILD)
    name = f"ledger_{tmp_path.name}"
    dsn = postgres.create_database(name)
    execute(dsn, SCHEMA)
    return dsn


def execute(dsn: str, statement: str) -> Any:
    async def go() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            if statement.startswith("SELECT"):
                return await connection.fetchval(statement)
            return await connection.execute(statement)
        finally:
            await connection.close()

    return asyncio.run(go())


@pytest.fixture
def sql() -> Any:
    return execute
