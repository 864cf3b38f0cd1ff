"""Looks at a stack after a load, again and again until all is well or its time is over: probes, queues, read models."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

import asyncpg
import httpx
from msgspec.structs import replace

from certify.api import Context, Service
from certify_checks.http import describe
from certify_checks.load.aftermath import After, Aftermath, Queue, ServiceAfter
from certify_checks.load.observing.belongings import look
from certify_checks.load.observing.contained import Engine
from certify_checks.replay.observe import observe as rebuild

RULE = "recovered"
_APART = 1.0
_PATIENCE = 10.0
_EXAMPLES = 5
_ERRORS = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)
Ids = Mapping[str, frozenset[str]]


class Before:
    """What must be known before the load: who each service is, and which messages were there."""

    def __init__(self, identities: Mapping[str, str], sent: Ids) -> None:
        self.identities, self.sent = identities, sent


async def before(ctx: Context, after: After) -> Before | None:
    """None when nobody asks for it."""
    if not ctx.wants(RULE):
        return None
    identities = await asyncio.to_thread(_identities, _parts(ctx))
    sent, _ = await _ids(_sources(ctx), after.sent)
    return Before(identities, sent)


async def aftermath(ctx: Context, after: After, earlier: Before | None) -> Aftermath:
    """What becomes of the stack now that the load is over."""
    if earlier is None:
        return Aftermath(missing="nobody asked for it")
    began = time.monotonic()
    while True:
        seen = await _look(ctx, after, earlier)
        took = time.monotonic() - began
        if _well(seen) or took > after.within.seconds:
            break
        ctx.tell("waiting until queues are empty and all services ready")
        await asyncio.sleep(_APART)
    asked = {"waiting": after.waiting, "consumed": after.sent and after.taken, "replay": after.replay}
    seen = replace(
        seen,
        asked=tuple(name for name, told in asked.items() if told),
        took_us=round(took * 1e6),
        within_us=after.within.microseconds,
    )
    return replace(seen, replay=await rebuild(ctx, after.replay)) if after.replay else seen


def _parts(ctx: Context) -> list[Service]:
    return [*ctx.stack.services, *([ctx.stack.gateway] if ctx.stack.gateway else [])]


def _sources(ctx: Context) -> list[Service]:
    consumed = {name for service in ctx.stack.services for name in service.consumes}
    return [service for service in ctx.stack.services if service.name in consumed and service.database]


def _well(seen: Aftermath) -> bool:
    return all(one.ready for one in seen.services if one.probed) and not any(
        one.left or one.problem for one in seen.queues
    )


async def _look(ctx: Context, after: After, earlier: Before) -> Aftermath:
    parts = _parts(ctx)
    identities = await asyncio.to_thread(_identities, parts)
    async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as client:
        services = await asyncio.gather(*(_service(client, part, earlier.identities, identities) for part in parts))
    waiting = [queue async for queue in _waiting(ctx, after.waiting)] if after.waiting else []
    consumed = await _consumed(ctx, after, earlier) if after.sent and after.taken else []
    return Aftermath(tuple(services), (*waiting, *consumed))


async def _service(
    client: httpx.AsyncClient, part: Service, earlier: Mapping[str, str], now: Mapping[str, str]
) -> ServiceAfter:
    known = part.name in earlier
    seen = ServiceAfter(part.name, known=known, again=known and now.get(part.name) != earlier[part.name])
    if not part.url or not part.probes.ready:
        return seen
    try:
        answer = await client.get(part.url.rstrip("/") + "/" + part.probes.ready.lstrip("/"))
    except httpx.HTTPError as error:
        return replace(seen, probed=True, error=describe(error))
    return replace(seen, probed=True, status=answer.status_code)


def _identities(parts: Iterable[Service]) -> dict[str, str]:
    """By name, as far as a process or container can be told from the one after it."""
    parts = list(parts)
    found = {part.name: seen.identity for part in parts if part.pid and (seen := look(part.pid))}
    contained = [part for part in parts if part.container and part.container.id]
    if contained and contained[0].container:
        engine = Engine(contained[0].container.engine)
        try:
            found |= {name: known.identity for name, known in engine.known(contained).items()}
        finally:
            engine.close()
    return found


async def _waiting(ctx: Context, query: str) -> AsyncIterator[Queue]:
    for service in ctx.stack.services:
        if service.database:
            queue = Queue(service.name)
            try:
                rows = await _fetch(service, query)
            except asyncpg.UndefinedTableError:
                continue
            except _ERRORS as error:
                yield replace(queue, problem=describe(error))
            else:
                yield _counted(queue, rows)


def _counted(queue: Queue, rows: list[Any]) -> Queue:
    if len(rows) == 1 and isinstance(rows[0], int) and rows[0] >= 0:
        return replace(queue, left=rows[0])
    return replace(queue, problem="`waiting` gives one row with how many wait, such as `SELECT count(*) ...`")


class _Messages(NamedTuple):
    """Ids by service: those before the load, those sent and taken by now; and why some could not be read."""

    old: Ids
    sent: Ids
    taken: Ids
    problems: Mapping[str, str]

    def left(self, consumer: str, source: str) -> Queue:
        """What a consumer has not taken of what one source has sent since the load began."""
        queue = Queue(consumer, source)
        for name, known in ((source, self.old), (source, self.sent), (consumer, self.taken)):
            if name not in known:
                return replace(queue, problem=self.problems.get(name, f"the messages of {name} could not be read"))
        new = self.sent[source] - self.old[source]
        left = sorted(new - self.taken[consumer])
        return replace(queue, new=len(new), left=len(left), examples=tuple(left[:_EXAMPLES]))


async def _consumed(ctx: Context, after: After, earlier: Before) -> list[Queue]:
    consumers = [service for service in ctx.stack.services if service.consumes]
    sent, silent = await _ids(_sources(ctx), after.sent)
    taken, deaf = await _ids([consumer for consumer in consumers if consumer.database], after.taken)
    messages = _Messages(earlier.sent, sent, taken, {**silent, **deaf})
    return [messages.left(consumer.name, source) for consumer in consumers for source in consumer.consumes]


async def _ids(services: Iterable[Service], query: str) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """The ids that a query gives of each service's database, and why it gives none."""
    found: dict[str, frozenset[str]] = {}
    problems: dict[str, str] = {}
    for service in services if query else ():
        try:
            found[service.name] = frozenset(str(value) for value in await _fetch(service, query))
        except _ERRORS as error:
            problems[service.name] = describe(error)
    return found, problems


async def _fetch(service: Service, query: str) -> list[Any]:
    """The first column of a query."""
    connection = await asyncpg.connect(service.database, timeout=_PATIENCE, command_timeout=_PATIENCE)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        with contextlib.suppress(*_ERRORS):
            await connection.close(timeout=_PATIENCE)
