"""One service of the stack: a child of the pre-loaded parent, on a port that this one holds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from certify_stack.embedded.forker import Bound, Forker, ForkerError
from certify_stack.embedded.part import Part, PartError, Say
from certify_stack.embedded.probe import until_good


class ServicePart(Part):
    """A service.

    Attributes:
        bound: Its port and its schema.
        database: The DSN of its own database.
        settings: What its process is told.
        migrated: Whether the database is at head already, so that its first process need not look.
        may_ask: Set when all that it needs is there: before that there is no use in asking whether it is ready.
    """

    def __init__(self, name: str, log: Path, say: Say, forker: Forker, bound: Bound) -> None:
        super().__init__(name, log, say)
        self.bound = bound
        self.database = ""
        self.settings: dict[str, Any] = {}
        self.migrated = False
        self.may_ask = asyncio.Event()
        self._forker = forker

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.bound.port}"

    @property
    def ready_url(self) -> str:
        """Address of the readiness probe."""
        return f"{self.url}/health/ready"

    async def launch(self) -> None:
        """Have its process forked."""
        migrated, self.migrated = self.migrated, False
        await self._do("start", settings={**self.settings, "migrated": migrated})

    async def answers(self) -> None:
        """It listens before it is asked for the first time, so the first answer comes as soon as there can be one."""
        await self.reaches("listening")
        await self.may_ask.wait()
        await until_good(self.ready_url)

    async def send(self, number: int) -> None:
        """Signal its process."""
        await self._do("signal", signal=int(number))

    async def refuse(self) -> None:
        """Close the queue that the parent holds."""
        await self._do("refuse")

    def heard(self, told: dict[str, Any]) -> None:
        """Take an event of the pre-loaded parent."""
        self.pid = told["pid"]
        if told["state"] == "died":
            self.ended(told["detail"])
        else:
            self.tell(told["state"], told["detail"])

    def endpoint(self) -> dict[str, Any]:
        """What callers of the stack are told."""
        return {
            "url": self.url,
            "graphql": "/graphql",
            "live": "/health/live",
            "ready": "/health/ready",
            "metrics": "/metrics",
            "database": self.database,
            "pid": self.pid,
            "log": str(self.log),
        }

    async def _do(self, command: str, **arguments: Any) -> None:
        try:
            await self._forker.do(command, name=self.name, **arguments)
        except ForkerError as error:
            raise PartError(str(error)) from error
