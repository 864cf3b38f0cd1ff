"""What one check may do to the running stack, and how it is undone when the check has ended."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from certify.drivers.interface import Driver
from certify.engine.protocol import Ask, Reply
from certify.model.check import DISTURBS, Action, Capability, Disruption, DisruptionRefusedError
from certify.model.escape import visible
from certify.model.stack import Stack

# A check gone wild must not fill the launcher's queue.
_MOST_AT_ONCE = 64
_UNDONE_BY = {
    Action.KILL: Action.RESTART,
    Action.RESTART: Action.RESTART,
    Action.PAUSE: Action.RESUME,
    Action.CUT: Action.MEND,
}
# Nothing becomes ready again while it is cut off or stopped, and no service without what all of them need.
_ROLES_FIRST = ("database", "broker")


class NotAllowedError(Exception):
    """The check asked for what none of its rules needs; the message says what."""


class Outstanding:
    """What was done to a stack and not yet undone. Pure."""

    def __init__(self) -> None:
        self._undo: dict[tuple[str, str], Action] = {}

    def did(self, disruption: Disruption) -> None:
        """Take in something that was begun: it may have had its effect, whatever becomes of it."""
        key = _key(disruption)
        undo = _UNDONE_BY.get(disruption.do)
        # A paused part that is killed must be started; a dead one that is paused, all the same.
        if undo and self._undo.get(key) is not Action.RESTART:
            self._undo[key] = undo

    def done(self, disruption: Disruption) -> None:
        """Take in something that came to its end: what it undoes is no longer outstanding."""
        key = _key(disruption)
        undone = {Action.RESTART: {Action.RESTART, Action.RESUME}, Action.RESUME: {Action.RESUME}}
        if self._undo.get(key) in undone.get(disruption.do, {disruption.do}):
            del self._undo[key]

    def left(self, stack: Stack) -> list[Disruption]:
        """What undoes all of it, in an order in which it can succeed."""
        first = {stack.parts[role] for role in _ROLES_FIRST if role in stack.parts}

        def rank(one: Disruption) -> tuple[bool, bool, bool]:
            return one.do is Action.RESTART, one.part not in first, stack.parts.get("gateway") == one.part

        return sorted((Disruption(undo, part, of) for (part, of), undo in self._undo.items()), key=rank)


class Disturber:
    """Hands what one job asks to the driver, several things at once, and remembers what must be undone."""

    def __init__(self, driver: Driver, allowed: frozenset[Capability], note: Callable[..., None]) -> None:
        self._driver = driver
        self._allowed = allowed & DISTURBS
        self._note = note
        self._outstanding = Outstanding()
        self._running: set[asyncio.Task[None]] = set()
        self._refused: set[Disruption] = set()

    def begin(self, ask: Ask, reply: Callable[[Reply], None]) -> None:
        """Start to do it; `reply` is called when it is done or refused.

        Raises:
            NotAllowedError: the job's rules do not need that.
        """
        do = ask.disruption.do
        needed = Capability.CUT if do in {Action.CUT, Action.MEND} else Capability.KILL
        if needed not in self._allowed:
            raise NotAllowedError(
                f"asks to {do} {visible(ask.disruption.part)!r}, but none of its rules needs {needed}"
            )
        if len(self._running) >= _MOST_AT_ONCE:
            raise NotAllowedError(f"asks for more than {_MOST_AT_ONCE} disruptions at once")
        task = asyncio.create_task(self._answer(ask, reply))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def undo(self) -> list[str]:
        """Undo whatever is outstanding; gives what could not be undone, and why."""
        if self._running:
            await asyncio.wait(self._running)
        problems = []
        for disruption in self._outstanding.left(self._driver.now()):
            try:
                await self._do("undo", disruption)
            except DisruptionRefusedError as error:
                # What refuses to be cut has no way of being mended either.
                if Disruption(Action.CUT, disruption.part, disruption.of) not in self._refused:
                    problems.append(f"{disruption.do} {_named(disruption)}: {error}")
        return problems

    async def _answer(self, ask: Ask, reply: Callable[[Reply], None]) -> None:
        try:
            _check_part(self._driver.now(), ask.disruption)
            await self._do("disturb", ask.disruption)
        except DisruptionRefusedError as error:
            reply(Reply(ask.id, str(error)))
        else:
            reply(Reply(ask.id))

    async def _do(self, name: str, disruption: Disruption) -> None:
        self._outstanding.did(disruption)
        facts: dict[str, Any] = msgspec.to_builtins(disruption)
        self._note(name, **facts)
        try:
            await self._driver.disturb(disruption)
        except DisruptionRefusedError as error:
            self._refused.add(disruption)
            self._note(f"{name}-refused", **facts, reason=str(error))
            raise
        self._refused.discard(disruption)
        self._outstanding.done(disruption)
        self._note(f"{name}-done", **facts)


def _key(disruption: Disruption) -> tuple[str, str]:
    return disruption.part, disruption.of if disruption.do in {Action.CUT, Action.MEND} else ""


def _check_part(stack: Stack, disruption: Disruption) -> None:
    known = {*(service.name for service in stack.services), *stack.parts.values()}
    if disruption.part not in known:
        raise DisruptionRefusedError(
            f"the stack has no part '{visible(disruption.part)}'; it has: {', '.join(sorted(known))}"
        )


def _named(disruption: Disruption) -> str:
    return f"{disruption.part} {disruption.of}".strip()
