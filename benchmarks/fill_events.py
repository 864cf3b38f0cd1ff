"""How fast an empty database of finance is filled with events and all that follows from them.

    ./dev bench fill_events [--events 200000] [--seed 1] [--rounds 3]

Beside each round: COPY of the very same rows into empty tables, once as they are, with their indexes, constraints and
triggers, and once into tables that have none, which is as fast as PostgreSQL takes rows at all. Reading the rows is not counted
there; making them is counted in the fill. Ends with 1 when the median round is below 50,000 events a second.
"""

import argparse
import asyncio
import statistics
import sys
import time

import asyncpg
from copying import bare_copy, database, server_seconds

from certify_stack.embedded import postgres
from certify_stack.erp.finance.fill import fill
from certify_stack.erp.finance.rows import TABLES
from certify_stack.kit import migrate

WANTED = 50_000
ALL = dict.fromkeys(("events", *TABLES, "command_key"), "TRUE")


def empty(server: str) -> str:
    """An empty database of finance; gives its DSN."""
    dsn = asyncio.run(database(server, "finance"))
    migrate.upgrade(dsn, "finance")
    return dsn


async def plain(dsn: str, like: str) -> str:
    """Make tables of the same columns, and nothing else, in an empty database."""
    reader, writer = await asyncpg.connect(like), await asyncpg.connect(dsn)
    columns = """
        SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    """
    for table in ALL:
        await writer.execute(f"CREATE TABLE {table} ({await reader.fetchval(columns, table)})")
    await reader.close()
    await writer.close()
    return dsn


def measured(server: str, pid: int, events: int, seed: int) -> tuple[float, str]:
    """One round: events a second, and what to say of it."""
    filled = empty(server)
    used, stored, began = time.process_time(), server_seconds(pid), time.perf_counter()
    asyncio.run(fill(filled, events, seed))
    seconds, used, stored = time.perf_counter() - began, time.process_time() - used, server_seconds(pid) - stored
    rows, bare = asyncio.run(bare_copy(filled, empty(server), ALL))
    target = asyncio.run(plain(asyncio.run(database(server, "plain")), filled))
    _, least = asyncio.run(bare_copy(filled, target, ALL))
    speed = events / seconds
    return speed, (
        f"fill {events} events: {seconds:.2f} s = {speed:,.0f} a second, {used:.2f} s CPU and {stored:.2f} s of PostgreSQL | COPY of the same {rows} rows: "
        f"{bare:.2f} s = {events / bare:,.0f} events a second; without any index {least:.2f} s = {events / least:,.0f}"
    )


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    speeds = []
    with postgres.temporary() as own:
        for _ in range(given.rounds):
            speed, text = measured(own.dsn("postgres"), own.process.pid, given.events, given.seed)
            speeds.append(speed)
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
    median = statistics.median(speeds)
    verdict = "fast enough" if median >= WANTED else "too slow"
    sys.stdout.write(f"median {median:,.0f} events a second, wanted {WANTED:,}: {verdict}\n")
    return 0 if median >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
