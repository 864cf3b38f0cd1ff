"""What is asked of a running broker before anybody else uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code
from aiokafka.errors import KafkaError as ClientError

from certify_stack.embedded.kafka.errors import KafkaError

_PAUSE = 0.01
_EXISTS = 36
_RETRY_MS = 10


async def prepare(bootstrap: str, cluster: str, topics: Sequence[str]) -> None:
    """Make sure that this broker answers and no other, make the topics, wait until each has a leader.

    Kafka's own topic of consumer groups is made as well: the first consumer would wait for it for half a second.

    Raises:
        KafkaError: Somebody else answers, or a topic cannot be made.
    """
    client = await _connected(bootstrap)
    try:
        told = await client.describe_cluster()
        if told["cluster_id"] != cluster:
            raise KafkaError(f"{bootstrap} is answered by the cluster {told['cluster_id']!r}, not by ours, {cluster!r}")
        await asyncio.gather(_make(client, topics), _coordinated(client))
    finally:
        await client.close()


async def exchange(bootstrap: str, topic: str) -> bytes:
    """Send one message and read it again as a member of a group; returns what was read."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id="certify-stack", auto_offset_reset="earliest"
    )
    await asyncio.gather(producer.start(), consumer.start())
    try:
        await producer.send_and_wait(topic, b"well")
        message = await consumer.getone()
        await consumer.commit()
    finally:
        await asyncio.gather(producer.stop(), consumer.stop())
    return bytes(message.value)


async def _connected(bootstrap: str) -> AIOKafkaAdminClient:
    while True:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="certify-stack", retry_backoff_ms=_RETRY_MS)
        try:
            await client.start()
        except ClientError:
            await client.close()
            await asyncio.sleep(_PAUSE)
        else:
            return client


async def _make(client: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
    if not topics or _led(await client.describe_topics(list(topics))):
        return
    answer = await client.create_topics([NewTopic(name, num_partitions=1, replication_factor=1) for name in topics])
    for name, code, *detail in answer.topic_errors:
        if code not in {0, _EXISTS}:
            raise KafkaError(
                f"the topic {name!r} was not made: {for_code(code).__name__} {detail[0] if detail else ''}"
            )
    while not _led(await client.describe_topics(list(topics))):  # noqa: ASYNC110 - the other side is another process
        await asyncio.sleep(_PAUSE)


def _led(topics: list[dict[str, object]]) -> bool:
    """Whether every topic has partitions and every partition a leader."""
    return all(
        topic["error_code"] == 0 and (parts := topic["partitions"]) and all(part["leader"] >= 0 for part in parts)  # type: ignore[attr-defined]
        for topic in topics
    )


async def _coordinated(client: AIOKafkaAdminClient) -> None:
    while True:
        try:
            await client.find_coordinator("certify-stack")
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_PAUSE)
        else:
            return
