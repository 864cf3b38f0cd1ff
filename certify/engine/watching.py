"""Watches the stack for the whole run: what happens to it is told, kept for the record, and may end its use."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from certify.console.events import BootState, Message
from certify.drivers.interface import Booted, Driver
from certify.engine.runlog import RunLog
from certify.model.record import LedgerEntry
from certify.model.stack import Happened, Stack

_BAD = frozenset({"died", "given-up"})
_EXPLAINED = 40
_Result = TypeVar("_Result")


class Unusable(msgspec.Struct, frozen=True):
    """Why no check can use the stack any more: a reason code, a sentence, and the cure."""

    reason: str
    summary: str
    cure: str


class StackWatch:
    """Hears the driver.

    Attributes:
        booted: what the boot came to; None while it goes on.
        boot: each part's last event of the boot.
        last: each part's last event.
        deaths: what died, or was given up, without a check having asked for it.
        unusable: why no check can use the stack any more.
        spans: file that the stack's spans are received into; None: nobody listens.
        spans_to: where the stack shall send them; empty: nowhere.
    """

    def __init__(self, driver: Driver, log: RunLog) -> None:
        self._driver = driver
        self._log = log
        self._ended = asyncio.Event()
        self.booted: Booted | None = None
        self.boot: dict[str, Happened] = {}
        self.last: dict[str, Happened] = {}
        self.deaths: list[Happened] = []
        self.unusable: Unusable | None = None
        self.spans: Path | None = None
        self.spans_to = ""

    async def start(self) -> None:
        """Boot the stack.

        Raises:
            EnvironmentUnusableError: it cannot be booted here at all.
        """
        self.booted = await self._driver.start(self.hear, spans_to=self.spans_to)
        for _, text in self.booted.notes:
            self._log.event(Message(text))
        for number, (name, text) in enumerate(self.booted.failures.items()):
            # The first is the root cause: whoever watches wants to read all of it.
            first, *more = text.splitlines() or [""]
            self._log.event(Message(f"{name} did not come up: {first}", "error"))
            for line in more[:_EXPLAINED] if number == 0 else ():
                self._log.event(Message(f"    {line}", "error"))

    def now(self) -> Stack:
        """The booted stack as it is now, and where its spans are received."""
        return msgspec.structs.replace(self._driver.now(), spans=str(self.spans or ""), spans_to=self.spans_to)

    def hear(self, event: Happened) -> None:
        """Take in what happened to a part of the stack."""
        self.last[event.part] = event
        if self.booted is None:
            self.boot[event.part] = event
            self._log.event(BootState(event.part, event.state, event.at_us))
        else:
            self._log.note("stack", **msgspec.to_builtins(event))
        if event.asked or event.state not in _BAD:
            return
        self.deaths.append(event)
        if self.booted is not None:
            self._log.event(Message(f"{event.part} {event.state}: {event.detail}", "warning"))

    def spoil(self, reason: str, summary: str, cure: str) -> None:
        """From now on no check can use the stack; the first reason stands."""
        if self.unusable is None:
            self.unusable = Unusable(reason, summary, cure)
            self._log.event(Message(f"{reason}: {summary}", "error"))

    async def until_gone(self) -> None:
        """Return when the stack as a whole has ended, and make it unusable; never, when it does not."""
        why = await self._driver.gone()
        self.spoil("stack-gone", why, "look at launcher.log in the evidence, mend the environment, run it again")
        self._ended.set()

    async def unless_gone(self, work: "Coroutine[Any, Any, _Result]") -> _Result | None:
        """What `work` gives; None when the stack has ended before: then `work` was cancelled and has ended too."""
        task, ended = asyncio.create_task(work), asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            for one in (task, ended):
                one.cancel()
            await asyncio.wait({task, ended})

    def ledger(self) -> list[LedgerEntry]:
        """What of it weakens the run: nothing can be certified of a stack that fell apart meanwhile."""
        entries = [
            LedgerEntry("service-died", f"{event.part} {event.state}, and no check had asked for it: {_first(event)}")
            for event in self.deaths
        ]
        if self.unusable:
            entries.append(LedgerEntry(self.unusable.reason, self.unusable.summary))
        return entries


def _first(event: Happened) -> str:
    return event.detail.partition("\n")[0] or "no reason given"
