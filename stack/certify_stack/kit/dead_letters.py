"""Messages that a service has put aside, given to it once more: when what was wrong with it, or with them, is put right.

A message has its effect by the same way as any other, so one that had it meanwhile has none. What fails again goes back to
the end of the topic, with the new cause and the number of times; nothing is lost. The order of a subject's events is not
kept: what came after a message that was put aside has had its effect long ago.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from certify_stack.kit import broker, errors, logs, messages
from certify_stack.kit.app import create_app
from certify_stack.kit.consumer import CAUSE, ORIGIN, Handle, carried_by, cause_of, effect
from certify_stack.kit.outbox import caused_by
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings

TIMES = "dead-times"
LONGEST_COUNT = 10
UNUSABLE = 2


@dataclass(slots=True)
class Redelivered:
    """How many messages had their effect now, had had it before, or failed again."""

    effective: int = 0
    known: int = 0
    failed: int = 0


def main(service: str, settings: Settings) -> int:
    """Give a service its messages; prints the counts, returns 0, or 1 when some failed again, or 2 when nothing can be done."""
    logs.configure(service)
    if not settings.broker:
        sys.stderr.write("error: ERP_BROKER is not set; give host:port of the broker\n")
        return UNUSABLE
    runtime: Runtime = create_app(service, settings).state.runtime
    try:
        counts = asyncio.run(redeliver(runtime, settings.broker))
    except (*broker.AWAY, errors.UnavailableError) as error:
        sys.stderr.write(
            f"error: {type(error).__name__}: {error}; see that broker and database answer, and try again\n"
        )
        return UNUSABLE
    finally:
        runtime.tracing.close()
    sys.stdout.write(json.dumps(asdict(counts)) + "\n")
    return 1 if counts.failed else 0


async def redeliver(runtime: Runtime, bootstrap: str) -> Redelivered:
    """Take each message that is in the service's dead-letter topic now and was not taken before.

    Raises:
        KafkaError: The broker is away, or has no such topic.
        UnavailableError: The database is away; the message at hand is taken again the next time.
    """
    subscription = runtime.service.subscription
    if subscription is None:
        raise ValueError(f"{runtime.service.name} takes no messages")
    await runtime.database.open()
    try:
        producer = await broker.producer(bootstrap, runtime.service.name)
        try:
            return await _all(runtime, subscription.handle, bootstrap, producer)
        finally:
            await producer.stop()
    finally:
        await runtime.database.close()


async def _all(runtime: Runtime, handle: Handle, bootstrap: str, producer: AIOKafkaProducer) -> Redelivered:
    counts = Redelivered()
    async with _reading(runtime.service.name, bootstrap) as (consumer, ends):
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                record = await consumer.getone(partition)
                outcome = await _again(runtime, handle, producer, record)
                setattr(counts, outcome, getattr(counts, outcome) + 1)
                await consumer.commit({partition: record.offset + 1})
    return counts


@asynccontextmanager
async def _reading(group: str, bootstrap: str) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[object, int]]]:
    """Give a consumer at the first message that was not taken before, and the end of each partition as it is now."""
    topic = messages.dead_topic_of(group)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"{group}.redelivery",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        parts = await broker.partitions(bootstrap, [topic])
        consumer.assign(parts)
        yield consumer, await consumer.end_offsets(parts)
    finally:
        await consumer.stop()


async def _again(runtime: Runtime, handle: Handle, producer: AIOKafkaProducer, record: ConsumerRecord) -> str:
    carried = carried_by(record)
    topic, _, offset = carried.get(ORIGIN, "").split("/") if carried.get(ORIGIN, "").count("/") == 2 else ("", "", "0")
    with runtime.tracing.consuming(record.topic, carried):
        try:
            envelope = messages.decode(record.value or b"")
            with caused_by(envelope):
                return await effect(runtime.database, handle, (topic, int(offset)), envelope)
        except Exception as error:
            if errors.is_away(error):
                raise (errors.translate(error) or error) from error
            kept = [(name, value) for name, value in record.headers if name not in {CAUSE, TIMES}]
            told = carried.get(TIMES, "")
            # Whoever sent the message may have written anything there.
            times = str(
                int(told) + 1 if told.isascii() and told.isdigit() and len(told) < LONGEST_COUNT else 2
            ).encode()
            headers = [*kept, (CAUSE, cause_of(error)), (TIMES, times)]
            await producer.send_and_wait(record.topic, record.value, record.key, headers=headers)
            return "failed"
