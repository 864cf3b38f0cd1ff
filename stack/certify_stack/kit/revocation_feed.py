"""Hears from auth, through the broker, which sessions were ended; each process of each service hears of all."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from certify_stack.erp import AUTH
from certify_stack.kit import broker, messages
from certify_stack.kit.background import Pauses, Supervised
from certify_stack.kit.revocations import SESSION_ENDED, TOKEN_SECONDS, UNTIL, Revocations

log = logging.getLogger(__name__)

POLL_MS = 1000
WAIT_MS = 5000
START_SECONDS = 5.0
STOP_SECONDS = 0.3
LISTENS_SECONDS = 0.05
ABSENT_SECONDS = 5.0
# Log-ins come by the hundred, ends of sessions seldom: so most messages need not be decoded.
_MARK = f'"{SESSION_ENDED}"'.encode()


class RevocationFeed:
    """Reads auth's events from the oldest that can still matter. It is no group: nobody's place is kept.

    Attributes:
        trouble: Why what was revoked may not be known here; None when all of it is.
    """

    def __init__(self, revocations: Revocations, bootstrap: str, client: str) -> None:
        self.trouble: str | None = "not started"
        self._revocations = revocations
        revocations.known = False
        self._bootstrap = bootstrap
        self._client = f"{client}-revocations"

    async def run(self, supervised: Supervised) -> None:
        """Read for ever; the broker is connected to anew, with growing pauses, whenever it is lost."""
        pauses = Pauses()
        while True:
            try:
                while not await broker.listens(self._bootstrap):
                    self._says("broker: nobody listens", supervised)
                    await asyncio.sleep(LISTENS_SECONDS)
                async with self._connected() as consumer:
                    pauses.reset()
                    await self._take_for_ever(consumer, supervised)
            except UnknownTopicOrPartitionError:
                # A stack without auth has nobody who revokes.
                self._says(None, supervised)
                await asyncio.sleep(ABSENT_SECONDS)
            except broker.AWAY as error:
                self._says(f"broker: {type(error).__name__}", supervised)
                await pauses.wait()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client,
            enable_auto_commit=False,
            fetch_max_wait_ms=WAIT_MS,
            request_timeout_ms=WAIT_MS + broker.SEND_MS,
            retry_backoff_ms=broker.RETRY_MS,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
            yield consumer
        finally:
            stopping = asyncio.create_task(consumer.stop())
            await asyncio.wait({stopping}, timeout=STOP_SECONDS)

    async def _take_for_ever(self, consumer: AIOKafkaConsumer, supervised: Supervised) -> None:
        missing = await self._begin(consumer)
        while True:
            if missing:
                missing = {part: end for part, end in missing.items() if await consumer.position(part) < end}
            self._says("reading what was revoked" if missing else None, supervised)
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    self._take(record.value or b"")

    async def _begin(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Go to the oldest event that can matter; return up to where has to be read before all is known."""
        topic = messages.topic_of(AUTH)
        async with asyncio.timeout(START_SECONDS):
            if topic not in await consumer.topics():
                raise UnknownTopicOrPartitionError(f"there is no topic {topic}")
            ends = await _ends(consumer, [TopicPartition(topic, 0)])
            if len(numbers := consumer.partitions_for_topic(topic) or ()) > 1:
                ends = await _ends(consumer, [TopicPartition(topic, number) for number in sorted(numbers)])
            # No access token lives longer, so nothing that was revoked before that matters.
            since = int((time.time() - TOKEN_SECONDS) * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(ends, since))
        for part, oldest in found.items():
            if oldest is not None:
                consumer.seek(part, oldest.offset)
        consumer.resume(*ends)
        return ends

    def _take(self, raw: bytes) -> None:
        if _MARK not in raw:
            return
        try:
            envelope = messages.decode(raw)
            until = msgspec.convert(envelope.data.get(UNTIL), datetime)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError) as error:
            log.error("an event of auth cannot be read", exc_info=error)  # noqa: TRY400 - it is logged whole
            return
        if envelope.type == SESSION_ENDED:
            self._revocations.add(str(envelope.subject), until)

    def _says(self, trouble: str | None, supervised: Supervised) -> None:
        if trouble and trouble != self.trouble:
            log.warning("revocations wait", extra={"cause": trouble})
        self.trouble = trouble
        # Whoever is cut off later goes on with what is known.
        self._revocations.known |= trouble is None
        supervised.beat(trouble)


async def _ends(consumer: AIOKafkaConsumer, parts: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Stand at the end of each partition, and return where that is; nothing is read before it is resumed.

    Paused at once, or it would begin to wait for what comes next, and all that was there would wait for that. Asking for the
    ends of partitions that a consumer was not told to read would cost it a pause first.
    """
    consumer.assign(parts)
    consumer.pause(*parts)
    return {part: await consumer.position(part) for part in parts}
