"""A stack with others up beside it, so that a check can hold one against the other within one run."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from certify.drivers.counting import Reading
from certify.drivers.interface import Booted, Driver, EnvironmentUnusableError, Tell
from certify.model.check import Capability, Disruption
from certify.model.stack import Happened, Stack

NOTE: Final = "peer-not-up"


class Beside:
    """The driver of the stack, and those of its peers by their names. Only the stack itself is examined and disturbed."""

    def __init__(self, own: Driver, peers: Mapping[str, Driver]) -> None:
        self._own = own
        self._peers = peers
        self._up: dict[str, Driver] = {}
        self.name = own.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Those of the stack itself, and that there are peers."""
        return self._own.capabilities | {Capability.PEERS}

    @property
    def source_root(self) -> Path | None:
        """That of the stack itself."""
        return self._own.source_root

    @property
    def declared(self) -> Stack:
        """The stack itself: no rule looks at a peer before the boot."""
        return self._own.declared

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        """Boot the stack, then its peers; what cannot be booted of these is a note, for the stack is up all the same.

        Raises:
            EnvironmentUnusableError: the stack itself cannot be booted here.
        """
        booted = await self._own.start(tell, spans_to=spans_to)
        notes = [note for name in self._peers if (note := await self._start(name, tell))]
        return msgspec.structs.replace(booted, stack=self.now(), notes=(*booted.notes, *notes))

    async def _start(self, name: str, tell: Tell) -> tuple[str, str] | None:
        """Why that peer is not up; its spans would be taken for those of the stack, so it sends none."""

        def told(event: Happened) -> None:
            tell(msgspec.structs.replace(event, part=f"{name}/{event.part}"))

        driver = self._peers[name]
        try:
            booted = await driver.start(told)
        except EnvironmentUnusableError as error:
            return NOTE, f"the peer {name} cannot be booted here: {error}"
        if booted.failures:
            part, why = next(iter(booted.failures.items()))
            return NOTE, f"the peer {name} is not up: {part}: {why.partition(chr(10))[0]}"
        self._up[name] = driver
        return None

    def now(self) -> Stack:
        """The stack, with those of its peers that are up."""
        peers = {name: driver.now() for name, driver in self._up.items()}
        return msgspec.structs.replace(self._own.now(), peers=peers)

    async def gone(self) -> str:
        """How the stack itself ended, or the first of its peers: what is compared with it is then worth nothing."""
        waiting = {asyncio.create_task(self._own.gone()): ""}
        waiting |= {asyncio.create_task(driver.gone()): f"the peer {name}: " for name, driver in self._up.items()}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return next(f"{waiting[task]}{task.result()}" for task in done)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)

    async def disturb(self, disruption: Disruption) -> None:
        """Do it to the stack itself.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        await self._own.disturb(disruption)

    def usage(self) -> Reading:
        """That of the stack itself."""
        return self._own.usage()

    async def stop(self) -> None:
        """Take down all of them, also when one of them cannot be taken down."""
        async with contextlib.AsyncExitStack() as all_of_them:
            for driver in (self._own, *self._peers.values()):
                all_of_them.push_async_callback(driver.stop)
