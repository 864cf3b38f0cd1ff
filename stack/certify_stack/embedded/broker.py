"""The broker as a part of the stack."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from certify_stack.embedded.database import WatchOver
from certify_stack.embedded.kafka.errors import KafkaError
from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.embedded.part import PartError, Say
from certify_stack.embedded.spawned import SpawnedPart

BROKER = "kafka"


class BrokerPart(SpawnedPart):
    """Apache Kafka, with the topics that the services need."""

    def __init__(self, server: KafkaServer, topics: Iterable[str], say: Say, watch_over: WatchOver) -> None:
        super().__init__(BROKER, server.log, say)
        self.server = server
        self._watch_over = watch_over
        server.create_topics(topics)

    async def launch(self) -> None:
        """Start it with the data that it has; its address is the same each time."""
        try:
            self.server.start()
        except KafkaError as error:
            raise PartError(str(error)) from error
        self._follow()
        self.tell("starting")

    async def answers(self) -> None:
        """When it answers and has its topics."""
        try:
            await self.server.ready()
        except KafkaError as error:
            raise PartError(str(error)) from error

    def ended(self, how: str) -> None:
        """A broker that cannot use its archive of classes is started again without, which is no death."""
        if (self.server.running and self.server.process.pid != self.pid) or (
            self.state == "starting" and self.server.again()
        ):
            self._follow()
        else:
            super().ended(how)

    def _follow(self) -> None:
        self.watch(self.server.process)
        self._watch_over(self.pid, signal.SIGKILL)
