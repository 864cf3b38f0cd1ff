"""Whether the broker answers, asked over a connection that is kept; and clients that say little when it does not."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaClient, AIOKafkaProducer, TopicPartition
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.protocol.metadata import MetadataRequest

# Imported once, here: a lost event shows in readiness and in the logs of whoever waits, not in each retry of a library.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

AWAY = (KafkaError, OSError, TimeoutError)
FRESH_SECONDS = 0.5
DEADLINE = 0.8
REQUEST_MS = 3000
SEND_MS = 5000
RETRY_MS = 50
BATCH_BYTES = 512 * 1024


async def listens(bootstrap: str) -> bool:
    """Whether connections are taken there; while a broker starts, this costs less than a client and its pauses."""
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        async with asyncio.timeout(DEADLINE):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


class BrokerProbe:
    """Asks the broker for its metadata, at most twice a second however often it is called."""

    def __init__(self, bootstrap: str, client: str) -> None:
        self._bootstrap = bootstrap
        self._client = client
        self._connection: Any = None
        self._asking: asyncio.Task[str | None] | None = None
        self._asked = float("-inf")
        self._trouble: str | None = None

    async def trouble(self) -> str | None:
        """Return why the broker does not count as there, or None.

        A question stays open beyond the deadline: a broker that was stopped answers it as soon as it goes on.
        """
        if time.monotonic() - self._asked < FRESH_SECONDS and self._asking is None:
            return self._trouble
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait({self._asking}, timeout=DEADLINE)
        return self._trouble if done else f"no answer within {DEADLINE:g} s"

    async def close(self) -> None:
        """Drop the connection."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        self._drop()

    async def _ask(self) -> str | None:
        try:
            self._trouble = await self._metadata()
        except AWAY as error:
            self._trouble = f"does not answer: {type(error).__name__}"
            self._drop()
        finally:
            self._asked = time.monotonic()
            self._asking = None
        return self._trouble

    async def _metadata(self) -> str | None:
        if self._connection is None or not self._connection.connected():
            host, _, port = self._bootstrap.partition(",")[0].rpartition(":")
            self._connection = await create_conn(
                host, int(port), client_id=f"{self._client}-probe", request_timeout_ms=REQUEST_MS
            )
        answer = await self._connection.send(MetadataRequest([], allow_auto_topic_creation=False))
        return None if answer.brokers else "knows no broker that works"

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def partitions(bootstrap: str, topics: Iterable[str]) -> list[TopicPartition]:
    """Return all partitions of these topics.

    Raises:
        KafkaError: The broker is away, or a topic is not there.
    """
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=SEND_MS)
    try:
        await client.bootstrap()
        cluster = await client.fetch_all_metadata()
    finally:
        await client.close()
    found = {topic: cluster.partitions_for_topic(topic) or () for topic in topics}
    absent = [topic for topic, numbers in found.items() if not numbers]
    if absent:
        raise UnknownTopicOrPartitionError(f"there is no topic {', '.join(absent)}")
    return [TopicPartition(topic, number) for topic, numbers in found.items() for number in sorted(numbers)]


async def producer(bootstrap: str, client: str) -> AIOKafkaProducer:
    """Return a started producer that counts a message as sent when all replicas have it, and only once.

    Raises:
        KafkaError: The broker is away.
        TimeoutError: It does not answer.
    """
    made = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=SEND_MS,
        retry_backoff_ms=RETRY_MS,
    )
    try:
        async with asyncio.timeout(SEND_MS / 1000):
            await made.start()
    except BaseException:
        await made.stop()
        raise
    return made
