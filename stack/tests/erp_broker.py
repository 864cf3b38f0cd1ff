"""Reads and writes topics as any other client would."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from erp_harness import USER_ID, Harness

from certify_stack.kit.messages import Envelope


async def read(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Return all that is in a topic now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", retry_backoff_ms=20)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[ConsumerRecord] = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def pass_over(bootstrap: str, group: str, topic: str) -> None:
    """Have a group of consumers begin behind all that is in a topic now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.commit({partition: end})
    finally:
        await consumer.stop()


async def write(bootstrap: str, topic: str, values: Iterable[bytes], key: bytes = b"k", **more: Any) -> None:
    """Put messages into a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key, **more)
    finally:
        await producer.stop()


def event(**changes: Any) -> Envelope:
    """Return an event of finance."""
    given: dict[str, Any] = {
        "specversion": "1.0",
        "id": uuid4(),
        "source": "urn:erp:finance",
        "type": "InvoiceIssued",
        "typeversion": 1,
        "subject": uuid4(),
        "subjecttype": "Invoice",
        "time": "2026-05-01T10:00:00.123456+06:00",
        "actor": USER_ID,
        "correlationid": "0af7651916cd43dd8448eb211c80319c",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"gross": "115.00"},
    }
    return msgspec.convert(given | changes, Envelope, strict=False)


def waiting(erp: Harness) -> int:
    """Return how many events the service has not sent yet."""
    return int(erp.sql("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL")[0]["n"])


def outbox_of(erp: Harness, subject: str | UUID) -> list[str]:
    """Return the types of what was recorded of a thing."""
    rows = erp.sql("SELECT envelope->>'type' AS type FROM outbox WHERE key = $1 ORDER BY id", str(subject))
    return [row["type"] for row in rows]


@contextmanager
def stopped(told: Harness, name: str) -> Iterator[None]:
    """Stop a background task of the service, and start it again."""
    task = next(task for task in told.app.state.messaging.tasks if task.name == name)

    async def start() -> None:
        task.start()

    told.run(task.stop())
    try:
        yield
    finally:
        told.run(start())
