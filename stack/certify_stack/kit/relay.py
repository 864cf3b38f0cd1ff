"""The relay: sends what waits in the outbox to the broker, in order, at least once, whatever fails in between."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from certify_stack.kit import broker
from certify_stack.kit.background import Pauses, Supervised
from certify_stack.kit.database import AWAY as DATABASE_AWAY
from certify_stack.kit.database import Connection
from certify_stack.kit.messages import CONTENT_TYPE, topic_of
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

CHANNEL = "outbox"
LOCK = 7_401
BATCH = 200
POLL_SECONDS = 2.0
LATE_SECONDS = 5.0
STATEMENT_SECONDS = 5.0
CLOSE_SECONDS = 0.3
PRUNE_EVERY = 600.0

WAITING = "SELECT id, key, envelope, envelope->>'traceparent' AS parent FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1"
SENT = "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])"
OLDEST = "SELECT extract(epoch FROM now() - created_at)::float8 FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1"
PRUNE = (
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent_at < now() - interval '1 hour' "
    "ORDER BY id LIMIT 5000)"
)


class Relay:
    """Sends the events of one service.

    One relay of a service sends at a time: who holds the advisory lock. The others stand by. The lock, the reading and
    the marking share one connection, so whoever loses the connection loses the right to send with it.
    """

    def __init__(self, runtime: Runtime, bootstrap: str) -> None:
        self.trouble: str | None = "not started"
        self._service = runtime.service.name
        self._topic = topic_of(self._service)
        self._dsn = runtime.settings.database_dsn
        self._bootstrap = bootstrap
        self._database = runtime.database
        self._tracing = runtime.tracing
        self._sent = runtime.metrics.events_sent
        self._partitioner = DefaultPartitioner()
        self._wake = asyncio.Event()
        # Held here, because a connection that nobody refers to is collected, and its notifications with it.
        self._connection: Connection = None
        self._producer: AIOKafkaProducer | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._pruned = time.monotonic()

    async def run(self, supervised: Supervised) -> None:
        """Send for ever; the connection is made anew, with growing pauses, whenever it is lost."""
        pauses = Pauses()
        try:
            while True:
                try:
                    async with self._listening():
                        await self._wait_turn(supervised)
                        await self._send_for_ever(supervised, pauses)
                except DATABASE_AWAY as error:
                    self._says(f"database: {type(error).__name__}", supervised)
                    await pauses.wait()
        finally:
            await self._close_producer(CLOSE_SECONDS)

    async def late(self) -> str | None:
        """Return for how long the oldest event waits when that is too long, else None."""
        seconds: float | None = await self._database.fetchval(OLDEST)
        return f"an event waits for {seconds:.0f} s" if seconds is not None and seconds > LATE_SECONDS else None

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        self._connection = connection = await asyncpg.connect(
            self._dsn, timeout=STATEMENT_SECONDS, command_timeout=STATEMENT_SECONDS
        )
        try:
            connection.add_termination_listener(lambda *_: self._wake.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            yield
        finally:
            self._connection = None
            # Not closed in order: that would wait for a server which may be gone or stopped.
            connection.terminate()

    async def _wait_turn(self, supervised: Supervised) -> None:
        pauses = Pauses()
        while not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            self.trouble = None
            supervised.beat("another relay of this service sends")
            await pauses.wait()

    async def _send_for_ever(self, supervised: Supervised, pauses: Pauses) -> None:
        while True:
            self._wake.clear()
            rows = await self._connection.fetch(WAITING, BATCH)
            arrived, failure = await self._produce(rows) if rows else ([], None)
            if arrived:
                await self._connection.execute(SENT, arrived)
                self._sent.inc(len(arrived))
            self._says(f"broker: {type(failure).__name__}" if failure else None, supervised)
            if failure:
                await self._close_producer(0)
                await pauses.wait()
                continue
            pauses.reset()
            if len(rows) < BATCH:
                await self._rest()

    def _says(self, trouble: str | None, supervised: Supervised) -> None:
        if trouble and trouble != self.trouble:
            log.warning("relay waits", extra={"cause": trouble})
        self.trouble = trouble
        supervised.beat(trouble)

    async def _rest(self) -> None:
        """Sleep until something was written; look now and then all the same."""
        if time.monotonic() - self._pruned > PRUNE_EVERY:
            self._pruned = time.monotonic()
            await self._connection.execute(PRUNE)
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _produce(self, rows: Sequence[Any]) -> tuple[list[int], Exception | None]:
        """Send one batch to each partition concerned; return which rows arrived, and why others did not.

        One batch only: were there two, the second could arrive without the first, and the order be lost.
        """
        try:
            if self._producer is None:
                self._producer = await broker.producer(self._bootstrap, self._service)
            partitions = sorted(await self._producer.partitions_for(self._topic))
        except broker.AWAY as error:
            return [], error
        shares: dict[int, list[Any]] = {}
        for row in rows:
            chosen = self._partitioner(row["key"].encode(), partitions, partitions)
            shares.setdefault(chosen, []).append(row)
        sending = (self._send(self._producer, partition, share) for partition, share in shares.items())
        done = await asyncio.gather(*sending)
        arrived = [number for numbers, _ in done for number in numbers]
        return arrived, next((failure for _, failure in done if failure), None)

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, rows: Sequence[Any]
    ) -> tuple[list[int], Exception | None]:
        """Send as many rows as fit into a batch; return their numbers once the broker has them."""
        batch = producer.create_batch()
        numbers = []
        for row in rows:
            with self._tracing.producing(self._topic, {"traceparent": row["parent"] or ""}) as carried:
                headers = [(name, value.encode()) for name, value in carried.items()]
                headers.append(("content-type", CONTENT_TYPE))
                key, value = row["key"].encode(), row["envelope"].encode()
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    break
                numbers.append(row["id"])
        batch.close()
        try:
            await (await producer.send_batch(batch, self._topic, partition=partition))
        except broker.AWAY as error:
            return [], error
        return numbers, None

    async def _close_producer(self, seconds: float) -> None:
        """Leave a producer behind: it ends by itself when its last message expires."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        closing = asyncio.create_task(producer.stop())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        if seconds:
            await asyncio.wait({closing}, timeout=seconds)
