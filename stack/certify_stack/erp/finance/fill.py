"""Fill an empty, migrated database with as many events as wanted, the same each time for a seed number.

python -m certify_stack.erp.finance.fill --dsn DSN --events 1000000 --seed 7

Real decisions make one block of sample events, and what follows from it for the read models. Its rows are written as text
once, and copied as often as needed with other ids, numbers and days. Any part of a history from its start is a history, so
the last block ends where it must.
"""

import argparse
import asyncio
import hashlib
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from certify_stack.erp.finance import samples, views
from certify_stack.erp.finance.copy_text import line_of
from certify_stack.erp.finance.events import Line, PaymentReceived, Recorded
from certify_stack.erp.finance.rebuild import DSN_VARIABLE
from certify_stack.erp.finance.rows import ROW_TYPES, TABLES, Key, Row, columns_of, values_of
from certify_stack.erp.samples import EPOCH, sample_id
from certify_stack.kit.database import Connection

# So many times the usual samples are one block: fewer than 10 000 invoices, and less than a day at one event a minute.
SIZE = 2
UUIDS = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
NUMBER, KEY, DAY, MARK = "INV-0000", "seed-", EPOCH.date().isoformat(), "\x01"
# Their triggers keep events as they are, and the ledger balanced.
GUARDED = ("events", "journal_entry_view", "journal_line_view")
FILLED = ("events", *TABLES, "command_key")
UNBALANCED = """
    SELECT count(*) FROM journal_entry_view AS e LEFT JOIN (SELECT entry_id, sum(debit) AS debits, sum(credit) AS credits
        FROM journal_line_view GROUP BY entry_id) AS l ON entry_id = id
    WHERE debits IS DISTINCT FROM total OR credits IS DISTINCT FROM total
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS place, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS said
    FROM pg_constraint WHERE conrelid = ANY(SELECT name::regclass FROM unnest($1::text[]) AS name) AND contype IN ('f', 'p', 'u')
    ORDER BY contype, conname
"""
INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS said FROM pg_index
    WHERE indrelid = ANY(SELECT name::regclass FROM unnest($1::text[]) AS name) AND NOT indisunique ORDER BY 1
"""
REFUSED = 1


class FillError(Exception):
    """The database cannot be filled; the message says why."""


class Block(NamedTuple):
    """A part of a history as text: lines of each table, events without their positions, and what payments said."""

    events: tuple[str, ...]
    tables: dict[str, str]
    payments: tuple[tuple[str, UUID, UUID, str], ...]


def block_of(count: int, seed: int) -> Block:
    """Return the first ``count`` events of a block, and the rows that follow from them."""
    rows: dict[Key, Row] = {}
    lines, payments = [], []
    turns: dict[type, int] = {}
    products: set[str] = set()
    sample = islice(samples.sample_events(SIZE, seed), count)
    for position, (kind, stream, version, event) in enumerate(sample, 1):
        now = EPOCH + timedelta(minutes=position)
        turn = turns[type(event)] = turns.get(type(event), -1) + 1
        name, type_version, data = samples.stored(event, turn)
        views.fold(rows, position - 1, Recorded(position, stream, version, now, event))
        products.update(str(line.product_id) for line in getattr(event, "lines", ()) if isinstance(line, Line))
        if isinstance(event, PaymentReceived):
            said = f'"{event.amount}","{event.method.value}"]'
            payments.append((event.idempotency_key, event.invoice_id, stream, said))
        values = (sample_id("Event", position), kind, stream, version, name, type_version, data, samples.ACTOR, now)
        lines.append(_marked(line_of(values), products))
    tables = {
        kind.TABLE: _marked("".join(line_of(values_of(row)) for (of, _), row in rows.items() if of is kind), products)
        for kind in ROW_TYPES
    }
    return Block(tuple(lines), tables, tuple(payments))


def _marked(text: str, products: set[str]) -> str:
    """Put a mark where the first digits of an id stand that differs from block to block; products are the same in all."""
    return UUIDS.sub(lambda found: found[0] if found[0] in products else MARK + found[1], text)


def dressed(text: str, seed: int, number: int) -> str:
    """Return the text of a block with the ids, invoice numbers, keys and day of the block of that number."""
    day = (EPOCH + timedelta(days=number)).date().isoformat()
    return (
        text.replace(MARK, prefix_of(seed, number))
        .replace(NUMBER, f"INV-{number:04d}")
        .replace(KEY, f"{KEY}{number}-")
        .replace(DAY, day)
    )


def prefix_of(seed: int, number: int) -> str:
    """Return the first eight hexadecimal digits of the ids of a block."""
    return hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:8]


async def fill(dsn: str, events: int, seed: int) -> dict[str, Any]:
    """Copy so many events and their read models into an empty database; return what was done and how long it took.

    Raises:
        FillError: There are events already, or too many are wanted.
    """
    began = time.monotonic()
    whole = block_of(sys.maxsize, seed)
    count, rest = divmod(events, len(whole.events))
    blocks = [whole] * count + ([block_of(rest, seed)] if rest else [])
    if not blocks or len(blocks) > 9_999:
        raise FillError(f"from 1 to {len(whole.events) * 9_999} events can be made")
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table in FILLED:
                if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 - our own names
                    raise FillError(f"there are {table} already")
            await _copy_all(connection, blocks, seed)
            await connection.execute("UPDATE projection_checkpoint SET position = $1", events)
            await connection.execute("SELECT setval('invoice_number', $1)", len(blocks) * 10_000)
    finally:
        await connection.close()
    return {"events": events, "blocks": len(blocks), "milliseconds": int((time.monotonic() - began) * 1000)}


async def _copy_all(connection: Connection, blocks: Sequence[Block], seed: int) -> None:
    await connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    await connection.execute("SET LOCAL work_mem = '128MB'")
    for table in GUARDED:
        # One look at all of the ledger in the end is quicker than one for each row.
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    again = await _without_indexes(connection)
    # What is empty is truncated: rows of a table that this transaction has emptied need no log, if the server is set up so.
    await connection.execute(f"TRUNCATE {', '.join(FILLED)}")
    await _copy(connection, "events", samples.EVENT_COLUMNS, _events(blocks, seed))
    for kind in ROW_TYPES:
        await _copy(connection, kind.TABLE, columns_of(kind), _rows(blocks, seed, kind.TABLE))
    await _copy(connection, "command_key", samples.KEY_COLUMNS, _keys(blocks, seed))
    for statement in again:
        await connection.execute(statement)
    for table in GUARDED:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    if await connection.fetchval(UNBALANCED):
        raise FillError("the ledger does not balance")


async def _without_indexes(connection: Connection) -> list[str]:
    """Drop foreign keys, unique constraints and indexes but primary keys; return how to make them again, in order."""
    tables = ["events", *TABLES]
    constraints = await connection.fetch(CONSTRAINTS, tables)
    for row in constraints:
        await connection.execute(f"ALTER TABLE {row['place']} DROP CONSTRAINT {row['name']}")
    # Foreign keys went first, and come back last.
    again = [f"ALTER TABLE {row['place']} ADD CONSTRAINT {row['name']} {row['said']}" for row in reversed(constraints)]
    indexes = await connection.fetch(INDEXES, tables)
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['name']}")
    return [*again, *(row["said"] for row in indexes)]


async def _copy(connection: Connection, table: str, columns: Sequence[str], source: AsyncIterator[bytes]) -> None:
    await connection.copy_to_table(table, source=source, columns=columns, freeze=True)


async def _events(blocks: Sequence[Block], seed: int) -> AsyncIterator[bytes]:
    position = 1
    for number, block in enumerate(blocks):
        text = "".join([f"{place}\t{line}" for place, line in enumerate(block.events, position)])
        position += len(block.events)
        yield dressed(text, seed, number).encode()


async def _rows(blocks: Sequence[Block], seed: int, table: str) -> AsyncIterator[bytes]:
    for number, block in enumerate(blocks):
        yield dressed(block.tables[table], seed, number).encode()


async def _keys(blocks: Sequence[Block], seed: int) -> AsyncIterator[bytes]:
    for number, block in enumerate(blocks):
        prefix = prefix_of(seed, number)
        lines = []
        for key, invoice, payment, said in block.payments:
            content = f'["recordPayment","{prefix}{str(invoice)[8:]}",{said}'
            print_of = hashlib.sha256(content.encode()).hexdigest()
            lines.append(f"{dressed(key, seed, number)}\t{print_of}\t{prefix}{str(payment)[8:]}\n")
        yield "".join(lines).encode()


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, say as JSON what was done, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fill an empty database of finance with events.")
    parser.add_argument("--dsn", default=os.environ.get(DSN_VARIABLE), help=f"default: ${DSN_VARIABLE}")
    parser.add_argument("--events", type=int, required=True, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="other numbers make other data")
    given = parser.parse_args(argv)
    if not given.dsn:
        parser.error(f"give --dsn, or set {DSN_VARIABLE}")
    try:
        done = asyncio.run(fill(given.dsn, given.events, given.seed))
    except (FillError, OSError, asyncpg.PostgresError) as error:
        sys.stderr.write(f"error: {error}\n")
        return REFUSED
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
