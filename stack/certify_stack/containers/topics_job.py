"""The job `topics`: every topic of the services, before any of them starts."""

from __future__ import annotations

import asyncio

from certify_stack.embedded.kafka import admin
from certify_stack.erp import SERVICES
from certify_stack.kit.messages import topics

_PATIENCE_SECONDS = 300.0


async def make(bootstrap: str, cluster: str) -> None:
    """Wait for the broker, and make the topics that are not there.

    Raises:
        TimeoutError: It does not answer in time.
        KafkaError: Another cluster answers, or a topic cannot be made.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await admin.prepare(bootstrap, cluster, topics(SERVICES))
