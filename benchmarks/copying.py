"""Bare COPY of rows that are there already into the same tables of an empty database: as fast as PostgreSQL takes them."""

import asyncio
import io
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

TICKS = os.sysconf("SC_CLK_TCK")


async def database(server: str, name: str) -> str:
    """An empty database with the schema of a service; gives its DSN."""
    made = f"b_{name.replace('-', '_')}_{secrets.token_hex(3)}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {made}")
    await connection.close()
    head, _, query = server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{made}" + (f"?{query}" if query else "")


def cpu_seconds(pids: Iterable[int]) -> float:
    """What processes have used so far."""
    return sum(sum(_ticks(pid)[:2]) for pid in pids) / TICKS


def server_seconds(pid: int) -> float:
    """What a PostgreSQL has used so far: its first process, those that it has buried, and those that live."""
    used = sum(_ticks(pid))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(pid) and _parent(int(entry.name)) == pid:
            used += sum(_ticks(int(entry.name))[:2])
    return used / TICKS


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(pid: int) -> list[int]:
    return [int(field) for field in _stat(pid)[11:15]]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


async def bare_copy(source: str, target: str, tables: Mapping[str, str]) -> tuple[int, float]:
    """Copy rows of tables from one database into another with the same schema.

    Args:
        source: DSN of the database with the rows.
        target: DSN of the empty one; its indexes, constraints and triggers stay.
        tables: Table -> which of its rows, as a condition; in the order in which rows may be written.

    Returns:
        How many rows there were, and the seconds of writing them in one transaction; reading them is not counted.
    """
    reader, writer = await asyncpg.connect(source), await asyncpg.connect(target)
    try:
        texts = [await _text(reader, table, where) for table, where in tables.items()]
        began = time.perf_counter()
        rows = 0
        async with writer.transaction():
            for table, text in zip(tables, texts, strict=True):
                done = await writer.copy_to_table(table, source=text)
                rows += int(done.split()[-1])
        return rows, time.perf_counter() - began
    finally:
        await asyncio.gather(reader.close(), writer.close())


async def _text(reader: asyncpg.Connection, table: str, where: str) -> io.BytesIO:
    text = io.BytesIO()
    await reader.copy_from_query(f"SELECT * FROM {table} WHERE {where}", output=text)  # noqa: S608 - our own names
    text.seek(0)
    return text
