"""Fill freshly migrated databases with consistent, deterministic data."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from certify_stack.erp.document_generator.samples import seed_tax_invoices
from certify_stack.erp.finance.samples import seed_finance
from certify_stack.erp.samples import count_of, sample_row
from certify_stack.kit.app import load_service
from certify_stack.kit.database import Connection
from certify_stack.kit.model import Entity

EVENT_TABLES = {"finance": ["events"]}
# What a service holds besides its declared entities.
MORE = {"finance": seed_finance, "document-generator": seed_tax_invoices}
# A plain ANALYZE looks at the catalogs too, which costs a second for 18 databases.
OWN_TABLES = """
    SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


async def seed(dsns: Mapping[str, str], size: int = 1) -> dict[str, int]:
    """Fill the databases of services, all at once; a database that holds rows already is left alone.

    Args:
        dsns: Service name -> DSN; services that are absent are left alone.
        size: 1 gives 50 customers, 50 products and 200 invoices; n gives n times as many.

    Returns:
        Table (``service.table``) -> number of rows copied.
    """
    done = await asyncio.gather(*(_seed_service(name, dsn, size) for name, dsn in dsns.items()))
    return {table: rows for counts in done for table, rows in counts.items()}


async def _seed_service(name: str, dsn: str, size: int) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    entities = load_service(name).entities
    try:
        async with connection.transaction():
            for table in [entity.table for entity in entities] + EVENT_TABLES.get(name, []):
                if await _holds_rows(connection, table):
                    return {}
            counts = {f"{name}.{entity.table}": await _seed_entity(connection, entity, size) for entity in entities}
            if name in MORE:
                counts |= await MORE[name](connection, size)
            await connection.execute("ANALYZE " + await connection.fetchval(OWN_TABLES))
    finally:
        await connection.close()
    return counts


async def _holds_rows(connection: Connection, table: str) -> bool:
    found: bool = await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - declared names
    return found


async def _seed_entity(connection: Connection, entity: Entity, size: int) -> int:
    rows = [sample_row(entity, number, size) for number in range(count_of(entity.name, size))]
    await copy_rows(connection, entity.table, rows)
    return len(rows)


async def copy_rows(connection: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Copy rows (column -> value, all alike) into a table."""
    records = list(rows)
    if records:
        columns = list(records[0])
        values = [tuple(record.values()) for record in records]
        await connection.copy_records_to_table(table, columns=columns, records=values)
