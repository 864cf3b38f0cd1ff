"""Versioned migrations of each service: kept by Alembic, applied by it or, to an empty database, as the SQL it rendered."""

import asyncio
from pathlib import Path

import asyncpg

from certify_stack.kit.database import Connection
from certify_stack.kit.revisions import source_heads
from certify_stack.kit.scripts import script_of

APPLIED = "SELECT version_num FROM alembic_version"
# No relation, and no function either, outside of what every new database has.
STATE = """
    SELECT to_regclass('alembic_version') IS NOT NULL AS versioned,
           NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)
           AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS empty
"""


def upgrade(dsn: str, service: str, scripts: Path | None = None) -> None:
    """Bring the database to head. Call it where no event loop runs.

    Args:
        dsn: The service's database.
        service: Whose revisions.
        scripts: Folder of rendered migrations (``kit.scripts``); only an empty database gets one of these.

    Raises:
        LookupError: There is no such service.
    """
    asyncio.run(upgrade_async(dsn, service, scripts))


async def upgrade_async(dsn: str, service: str, scripts: Path | None = None) -> None:
    """Bring the database to head in one transaction. A database at head is left as it is."""
    heads = source_heads(service)
    connection = await asyncpg.connect(dsn)
    try:
        done = await _is_done(connection, heads, script_of(service, scripts) if scripts else None)
    finally:
        await connection.close()
    if not done:
        from certify_stack.kit import alembic_runs  # noqa: PLC0415 - see there

        await alembic_runs.upgrade(dsn, service)


async def _is_done(connection: Connection, heads: frozenset[str], script: str | None) -> bool:
    state = await connection.fetchrow(STATE)
    if state["versioned"]:
        return await _applied(connection) == heads
    if not state["empty"] or script is None:
        return False
    async with connection.transaction():
        await connection.execute(script)
        if (applied := await _applied(connection)) != heads:
            raise RuntimeError(f"the rendered migrations lead to {sorted(applied)}, the source has {sorted(heads)}")
    return True


async def _applied(connection: Connection) -> frozenset[str]:
    return frozenset(row["version_num"] for row in await connection.fetch(APPLIED))
