"""The database server as a part of the stack: comes back with its data, and can be cut off from single services."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import asyncpg

from certify_stack.embedded import sharedmemory
from certify_stack.embedded.part import PartError, Say
from certify_stack.embedded.postgres import PostgresError, PostgresServer
from certify_stack.embedded.spawned import SpawnedPart

DATABASE = "postgres"
_POLL_SECONDS = 0.005
_BACKENDS_SECONDS = 5.0

WatchOver = Callable[[int, int], None]
"""Is told each process that must not outlive the run, and the signal that it is first asked to end with."""


class DatabasePart(SpawnedPart):
    """PostgreSQL."""

    def __init__(self, server: PostgresServer, say: Say, watch_over: WatchOver) -> None:
        super().__init__(DATABASE, server.log, say)
        self.server = server
        self._watch_over = watch_over

    async def launch(self) -> None:
        """Spawn it, after a killed server has gone with all of its backends: beside these it would refuse to start."""
        await self.removed()
        try:
            self.server.spawn()
        except (PostgresError, RuntimeError) as error:
            raise PartError(str(error)) from error
        self.watch(self.server.process)
        self._watch_over(self.pid, signal.SIGQUIT)
        self.tell("starting")

    async def answers(self) -> None:
        """When it takes connections, after the recovery from a crash where there was one."""
        try:
            while not self.server.up():  # noqa: ASYNC110 - another process says so, in a file
                await asyncio.sleep(_POLL_SECONDS)
            await self.server.secure()
        except (PostgresError, OSError) as error:
            raise PartError(str(error)) from error

    async def send(self, number: int) -> None:
        """On SIGTERM it would wait for all clients to go; SIGINT ends their connections, as the stop of a container does."""
        await super().send(signal.SIGINT if number == signal.SIGTERM else number)

    async def removed(self) -> None:
        """Wait for the backends of a killed server, which notice by themselves, and free its shared memory.

        Raises:
            PartError: Some are still there.
        """
        segment = self.server.segment()
        if segment < 0 or self.running:
            return
        try:
            async with asyncio.timeout(_BACKENDS_SECONDS):
                while sharedmemory.users(segment):  # noqa: ASYNC110 - they are no processes of ours to wait for
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise PartError(f"backends of the killed server still run after {_BACKENDS_SECONDS:g} s") from error
        sharedmemory.remove(segment)

    async def cut(self, service: str) -> None:
        """Close the service's database and end the connections to it."""
        await self._administer(self.server.cut(service))

    async def mend(self, service: str) -> None:
        """Open the service's database again."""
        await self._administer(self.server.mend(service))

    async def _administer(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise PartError(f"{DATABASE} does not do it: {type(error).__name__}: {error}") from error
