"""All that the replay check does: it rebuilds twice into shadow schemas, reads three states at one position, tidies up."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
from msgspec.structs import replace

from certify.api import Context, Service
from certify_checks.commands import Ran, python, run
from certify_checks.http import describe
from certify_checks.replay.model import Content, Detail, ReplayConfig, ReplayObservation
from certify_checks.replay.rebuild import compare
from certify_checks.replay.tables import altered_columns, keys_of, plant_canary, quote, read_table

_ATTEMPTS = 3
_DETAILS = 20
_CANARY_ROWS = 50
_PATIENCE = 30.0
_ERRORS = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


class _Names(NamedTuple):
    """The shadow schemas of one attempt."""

    first: str
    second: str
    canary: str

    @classmethod
    def fresh(cls) -> "_Names":
        stem = f"certify_replay_{int(time.time())}_{os.urandom(4).hex()}"
        return cls(f"{stem}_a", f"{stem}_b", f"{stem}_c")


async def observe(ctx: Context, config: ReplayConfig) -> ReplayObservation:
    """Rebuild and compare, anew when an event came in between."""
    empty = ReplayObservation(config.service, optional=config.optional)
    if not (config.service and config.rebuild and config.projections):
        return replace(empty, problem="the profile does not say what to replay")
    try:
        service = ctx.stack.service(config.service)
    except KeyError:
        return replace(empty, problem=f"the stack has no service {config.service!r}")
    for column in config.ignore:
        ctx.weaken("ignored-column", f"replay does not compare {column} of {service.name}")
    seen = empty
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            ctx.tell(f"rebuilding read models of {service.name}", attempt, _ATTEMPTS)
            seen = replace(await _attempt(ctx, config, service), attempts=attempt)
            if seen.settled or any(ran.code != 0 for ran in seen.rebuilds):
                break
    except _ERRORS as error:
        return replace(empty, problem=f"database of {service.name}: {describe(error)}")
    return seen


async def _attempt(ctx: Context, config: ReplayConfig, service: Service) -> ReplayObservation:
    names = _Names.fresh()
    async with _connected(service.database) as connection:
        try:
            before = await _position(connection, config)
            ran = []
            for schema in (names.first, names.second):
                ran.append(await _rebuild(ctx, config, service, schema))
                if ran[-1].code != 0:
                    return ReplayObservation(service.name, events=before[0], rebuilds=tuple(ran))
            seen = await _settled(connection, config, names, before)
            return replace(seen, rebuilds=tuple(ran))
        finally:
            for schema in names:
                await connection.execute(f"DROP SCHEMA IF EXISTS {quote(schema)} CASCADE")


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(
        dsn, timeout=_PATIENCE, command_timeout=_PATIENCE, server_settings={"timezone": "UTC"}
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(*_ERRORS):
            await connection.close(timeout=_PATIENCE)


async def _position(connection: Any, config: ReplayConfig) -> tuple[int, str]:
    """How many events there are, and the position of the last."""
    row = await connection.fetchrow(
        f"SELECT count(*) AS events, coalesce(max({quote(config.position)})::text, '') AS last "  # noqa: S608 - quoted names
        f"FROM {quote(config.schema, config.events)}"
    )
    return row["events"], row["last"]


async def _rebuild(ctx: Context, config: ReplayConfig, service: Service, schema: str) -> Ran:
    def filled(word: str) -> str:
        return word.replace("{dsn}", service.database).replace("{schema}", schema)

    return await run(
        python([filled(word) for word in config.rebuild]),
        folder=ctx.source_root or ctx.scratch,
        seconds=config.timeout.seconds,
        log=ctx.evidence / f"rebuild-{schema[-1]}.log",
        environment={name: filled(value) for name, value in config.environment.items()},
    )


async def _settled(connection: Any, config: ReplayConfig, names: _Names, before: tuple[int, str]) -> ReplayObservation:
    """Compare; as long as live differs at the same position it may only lag behind, so look again until `settle`."""
    deadline = time.monotonic() + config.settle.seconds
    while True:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            same = await _position(connection, config) == before
            live = await _read_all(connection, config, config.schema)
            first = await _read_all(connection, config, names.first)
            second = await _read_all(connection, config, names.second)
            seen = ReplayObservation(
                config.service,
                events=before[0],
                settled=same,
                live=live,
                first=first,
                second=second,
                details=await _details(connection, config, names, live, first),
                optional=config.optional,
            )
        if not same or not compare(live, first) or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.2)
    return await _with_canary(connection, config, names, seen)


async def _read_all(connection: Any, config: ReplayConfig, schema: str) -> tuple[Content, ...]:
    contents = []
    for table in config.projections:
        keys = await keys_of(connection, config.schema, table)
        contents.append(await read_table(connection, schema, table, keys, _ignored(config, table)))
    return tuple(contents)


def _ignored(config: ReplayConfig, table: str) -> list[str]:
    return [column.removeprefix(f"{table}.") for column in config.ignore if column.startswith(f"{table}.")]


async def _details(
    connection: Any, config: ReplayConfig, names: _Names, live: Sequence[Content], first: Sequence[Content]
) -> tuple[Detail, ...]:
    found: list[Detail] = []
    for difference in compare(tuple(live), tuple(first)):
        keys = await keys_of(connection, config.schema, difference.table)
        if difference.kind == "altered" and keys and len(found) < _DETAILS:
            schemas = (config.schema, names.first)
            found.append(await altered_columns(connection, schemas, difference.table, keys, difference.key))
    return tuple(found)


async def _with_canary(
    connection: Any, config: ReplayConfig, names: _Names, seen: ReplayObservation
) -> ReplayObservation:
    """Spoil a copy of the first table that has rows and a primary key, and read it the same way."""
    for content in seen.first:
        keys = await keys_of(connection, config.schema, content.table)
        if content.rows and keys:
            original = replace(content, rows=content.rows[:_CANARY_ROWS])
            await connection.execute(f"CREATE SCHEMA {quote(names.canary)}")
            await plant_canary(connection, names.first, names.canary, original, keys)
            ignored = _ignored(config, content.table)
            canary = await read_table(connection, names.canary, content.table, keys, ignored)
            return replace(seen, canary_of=original, canary=canary)
    return seen
