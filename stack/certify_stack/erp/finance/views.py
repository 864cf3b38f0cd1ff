"""Read models in tables: rows in and out, wherever the search path points."""

from collections.abc import Iterable, Mapping
from typing import Any

from certify_stack.erp.finance.events import Recorded
from certify_stack.erp.finance.projection import project, reads
from certify_stack.erp.finance.rows import (
    ROW_TYPES,
    BookingRow,
    Key,
    LineRow,
    Row,
    RowType,
    columns_of,
    key_of,
    values_of,
)
from certify_stack.kit.database import Connection


def _upsert_of(kind: RowType) -> str:
    """Return the statement that writes a row over the one with the same key."""
    columns = columns_of(kind)
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in kind.KEY)
    return (
        f"INSERT INTO {kind.TABLE} ({', '.join(columns)}) VALUES ({marks}) "  # noqa: S608 - names of our own rows
        f"ON CONFLICT ({', '.join(kind.KEY)}) DO UPDATE SET {changes}"
    )


def _select_of(kind: RowType) -> str:
    """Return the statement that reads a row by its key."""
    wheres = " AND ".join(f"{name} = ${number}" for number, name in enumerate(kind.KEY, 1))
    return f"SELECT {', '.join(columns_of(kind))} FROM {kind.TABLE} WHERE {wheres}"  # noqa: S608 - names of our own rows


UPSERTS = {kind.TABLE: _upsert_of(kind) for kind in ROW_TYPES}
SELECTS = {kind.TABLE: _select_of(kind) for kind in ROW_TYPES}


async def read(connection: Connection, keys: Iterable[Key]) -> dict[Key, Row]:
    """Return those of the rows that exist."""
    found: dict[Key, Row] = {}
    for kind, key in keys:
        row = await connection.fetchrow(SELECTS[kind.TABLE], *key)
        if row is not None:
            found[kind, key] = kind(**dict(row))
    return found


async def write(connection: Connection, rows: Iterable[Row]) -> None:
    """Write rows; lines of an invoice or an entry go in one batch."""
    lines: dict[str, list[Any]] = {}
    for row in rows:
        if isinstance(row, LineRow | BookingRow):
            lines.setdefault(row.TABLE, []).append(values_of(row))
        else:
            await connection.execute(UPSERTS[row.TABLE], *values_of(row))
    for table, values in lines.items():
        await connection.executemany(UPSERTS[table], values)


async def advance(connection: Connection, recorded: Iterable[Recorded]) -> None:
    """Bring the read models up to the events, in the caller's transaction."""
    position = 0
    for event in recorded:
        rows = await read(connection, reads(event))
        await write(connection, project(rows, event))
        position = event.position
    await connection.execute("UPDATE projection_checkpoint SET position = $1", position)


def fold(rows: dict[Key, Row], seen: int, recorded: Recorded) -> int:
    """Apply an event to rows in memory unless it was applied before; return the last position applied."""
    if recorded.position <= seen:
        return seen
    for row in project(rows, recorded):
        rows[key_of(row)] = row
    return recorded.position


async def copy(connection: Connection, schema: str, rows: Mapping[Key, Row], kinds: Iterable[RowType]) -> None:
    """Copy rows into the empty tables of a schema."""
    records: dict[RowType, list[Any]] = {kind: [] for kind in kinds}
    for (of, _), row in rows.items():
        records[of].append(values_of(row))
    for kind, values in records.items():
        await connection.copy_records_to_table(kind.TABLE, schema_name=schema, columns=columns_of(kind), records=values)
