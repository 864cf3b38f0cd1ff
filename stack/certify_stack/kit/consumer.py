"""The consumer: takes events of other services from the broker; each has its effect once, and none blocks for ever."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from certify_stack.kit import broker, errors, messages
from certify_stack.kit.background import Pauses, Supervised
from certify_stack.kit.database import Database
from certify_stack.kit.messages import Envelope
from certify_stack.kit.model import Subscription
from certify_stack.kit.outbox import caused_by
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

Handle = Callable[[Any, Any], Awaitable[None]]

TRIES = 5
BATCH = 100
POLL_MS = 1000
START_SECONDS = 5.0
STOP_SECONDS = 0.3
LISTENS_SECONDS = 0.05

SEEN = "INSERT INTO inbox (event_id, topic, position) VALUES ($1, $2, $3) ON CONFLICT (event_id) DO NOTHING RETURNING 1"
# Longer than brokers keep messages by default, so that nothing can come again that was forgotten.
PRUNE = "DELETE FROM inbox WHERE received_at < now() - interval '14 days'"


# What a message that was put aside says of it: TOPIC/PARTITION/OFFSET, and why.
ORIGIN, CAUSE = "dead-origin", "dead-cause"


def cause_of(error: Exception) -> bytes:
    """Return why a message was put aside."""
    return f"{type(error).__name__}: {error}"[:1000].encode()


def carried_by(record: ConsumerRecord) -> dict[str, str]:
    """Return the headers of a message, whatever is in them."""
    return {name: (value or b"").decode("latin-1") for name, value in record.headers}


async def effect(database: Database, handle: Handle, place: tuple[str, int], envelope: Envelope) -> str:
    """Let an event have its effect unless it has had it: ``effective`` or ``known``.

    Args:
        database: The service's own.
        handle: What the event does, in the transaction in which it is noted as seen.
        place: Topic and offset at which it was found.
        envelope: The event.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(SEEN, envelope.id, *place):
            return "known"
        await handle(connection, envelope)
    return "effective"


class Consumer:
    """Takes the events to which one service subscribes.

    Partitions are assigned by hand, all of them, so that a restarted service goes on at once instead of waiting until
    its broken predecessor counts as gone. Two processes of a service may overlap: the inbox lets only one of them act.
    """

    def __init__(self, runtime: Runtime, subscription: Subscription, bootstrap: str) -> None:
        self.trouble: str | None = "not started"
        self._group = runtime.service.name
        self.handle = subscription.handle
        self._topics = [messages.topic_of(service) for service in subscription.services]
        self._database = runtime.database
        self._bootstrap = bootstrap
        self._tracing = runtime.tracing
        self._consumed = runtime.metrics.events_consumed
        self._dead: AIOKafkaProducer | None = None

    async def run(self, supervised: Supervised) -> None:
        """Take events for ever; the broker is connected to anew, with growing pauses, whenever it is lost."""
        pauses = Pauses()
        try:
            while True:
                try:
                    await self._somebody_listens(supervised)
                    async with self._connected() as consumer:
                        pauses.reset()
                        await self._take_for_ever(consumer, supervised)
                except broker.AWAY as error:
                    self._says(f"broker: {type(error).__name__}", supervised)
                    await pauses.wait()
        finally:
            if self._dead is not None:
                await self._dead.stop()

    async def _somebody_listens(self, supervised: Supervised) -> None:
        while not await broker.listens(self._bootstrap):
            self._says("broker: nobody listens", supervised)
            await asyncio.sleep(LISTENS_SECONDS)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._group,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=broker.SEND_MS,
            retry_backoff_ms=broker.RETRY_MS,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
                await self._assign(consumer)
            yield consumer
        finally:
            stopping = asyncio.create_task(consumer.stop())
            await asyncio.wait({stopping}, timeout=STOP_SECONDS)

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Take all partitions of all topics, each from where the group was; returns when that is known."""
        found = await broker.partitions(self._bootstrap, self._topics)
        consumer.assign(found)
        await asyncio.gather(*(consumer.position(partition) for partition in found))

    async def _take_for_ever(self, consumer: AIOKafkaConsumer, supervised: Supervised) -> None:
        await self._database.fetch(PRUNE)
        while True:
            self._says(None, supervised)
            for partition, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)).items():
                for record in records:
                    await self._take(record, supervised)
                await consumer.commit({partition: records[-1].offset + 1})

    async def _take(self, record: ConsumerRecord, supervised: Supervised) -> None:
        with self._tracing.consuming(record.topic, carried_by(record)):
            try:
                envelope = messages.decode(record.value or b"")
            except (msgspec.DecodeError, UnicodeError) as error:
                await self._bury(record, error, supervised)
                return
            with caused_by(envelope):
                await self._digest(record, envelope, supervised)

    async def _digest(self, record: ConsumerRecord, envelope: Envelope, supervised: Supervised) -> None:
        """Have the effect, try again while that may help, else put the message aside."""
        pauses = Pauses()
        tries = 0
        while True:
            try:
                outcome = await self._effect(record, envelope)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises, the events behind must go on
                self._says(f"{envelope.type}: {type(error).__name__}", supervised)
                if not errors.is_away(error):
                    tries += 1
                    if tries == TRIES:
                        await self._bury(record, error, supervised)
                        return
                await pauses.wait()
            else:
                self._consumed.labels(outcome).inc()
                return

    async def _effect(self, record: ConsumerRecord, envelope: Envelope) -> str:
        return await effect(self._database, self.handle, (record.topic, record.offset), envelope)

    async def _bury(self, record: ConsumerRecord, error: Exception, supervised: Supervised) -> None:
        """Send the message as it is to the group's dead-letter topic, and why."""
        where = f"{record.topic}/{record.partition}/{record.offset}"
        log.error("message put aside", exc_info=error, extra={"origin": where})
        headers = [*record.headers, (ORIGIN, where.encode()), (CAUSE, cause_of(error))]
        pauses = Pauses()
        while True:
            try:
                if self._dead is None:
                    self._dead = await broker.producer(self._bootstrap, self._group)
                topic = messages.dead_topic_of(self._group)
                await self._dead.send_and_wait(topic, record.value, record.key, headers=headers)
            except broker.AWAY as failure:
                self._says(f"broker: {type(failure).__name__}", supervised)
                await pauses.wait()
            else:
                self._consumed.labels("dead").inc()
                return

    def _says(self, trouble: str | None, supervised: Supervised) -> None:
        if trouble and trouble != self.trouble:
            log.warning("consumer waits", extra={"cause": trouble})
        self.trouble = trouble
        supervised.beat(trouble)
