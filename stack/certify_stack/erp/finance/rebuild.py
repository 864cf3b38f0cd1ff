"""Rebuild the read models from events into a schema of their own, beside the live ones.

python -m certify_stack.erp.finance.rebuild --dsn DSN --schema shadow_a
"""

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg

from certify_stack.erp.finance import event_store, views
from certify_stack.erp.finance.events import UnknownEventError
from certify_stack.erp.finance.projection import ProjectionError
from certify_stack.erp.finance.rows import ROW_TYPES, TABLES, Key, Row
from certify_stack.kit.database import Connection
from certify_stack.kit.settings import PREFIX

SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
RESERVED = frozenset({"public", "information_schema"})
CHUNK = 1000
DSN_VARIABLE = f"{PREFIX}DATABASE_DSN"
FAILED = 1


class RebuildError(Exception):
    """The rebuild could not be done; the message says why."""


async def rebuild(dsn: str, schema: str) -> dict[str, Any]:
    """Make the schema anew and fill it by replaying all events in order.

    Returns:
        ``events`` (how many were replayed), ``position`` (the last one) and ``tables`` (their names).

    Raises:
        RebuildError: The name of the schema is not one to use, or events contradict each other.
    """
    if not SCHEMA.fullmatch(schema) or schema in RESERVED or schema.startswith("pg_"):
        raise RebuildError(f"{schema!r} is no name for a schema of its own: use lower-case letters, digits and _")
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await _make_tables(connection, schema)
            rows, events, position = await _replay(connection)
            await views.copy(connection, schema, rows, ROW_TYPES)
    except (UnknownEventError, ProjectionError) as error:
        raise RebuildError(str(error)) from error
    finally:
        await connection.close()
    return {"events": events, "position": position, "tables": list(TABLES)}


async def _make_tables(connection: Connection, schema: str) -> None:
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.execute(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        await connection.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")


async def _replay(connection: Connection) -> tuple[dict[Key, Row], int, int]:
    rows: dict[Key, Row] = {}
    events = position = 0
    query = f"SELECT {event_store.COLUMNS} FROM public.events ORDER BY position"  # noqa: S608 - constant names
    async for row in connection.cursor(query, prefetch=CHUNK):
        position = views.fold(rows, position, event_store.from_row(row))
        events += 1
    return rows, events, position


def main(argv: Sequence[str] | None = None) -> int:
    """Rebuild, say as JSON what was done, and return the exit code."""
    parser = argparse.ArgumentParser(description="Rebuild the read models of finance from events.")
    parser.add_argument(
        "--dsn", default=os.environ.get(DSN_VARIABLE), help=f"database of finance (default: ${DSN_VARIABLE})"
    )
    parser.add_argument("--schema", required=True, help="the schema to make, such as shadow_a")
    given = parser.parse_args(argv)
    if not given.dsn:
        parser.error(f"give --dsn, or set {DSN_VARIABLE}")
    try:
        done = asyncio.run(rebuild(given.dsn, given.schema))
    except (RebuildError, OSError, asyncpg.PostgresError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    sys.stdout.write(json.dumps(done) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
