"""What every way of booting a stack offers the engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from certify.drivers.counting import Reading
from certify.model.check import Capability, Disruption
from certify.model.record import Component
from certify.model.stack import Happened, Stack

Tell = Callable[[Happened], None]


class Booted(msgspec.Struct, frozen=True):
    """What the boot came to.

    Attributes:
        stack: as it is now.
        failures: services that did not come up, each with the reason and the last lines of its log.
        notes: (code, text) of what was not done as the stack's description says, for the ledger.
        components: what was booted, where it is more than the source.
        facts: versions of what it was booted with.
    """

    stack: Stack
    failures: dict[str, str] = {}
    notes: tuple[tuple[str, str], ...] = ()
    components: tuple[Component, ...] = ()
    facts: dict[str, str] = {}


class EnvironmentUnusableError(Exception):
    """The environment could run no target; the message says what is missing and the cure. Exit code 4."""


class Driver(Protocol):
    """One way of booting a stack. A driver is used once: `start`, then `stop` in any case."""

    name: str

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What rules may ask of this driver with this stack; known before the boot."""

    @property
    def source_root(self) -> Path | None:
        """Root of the source that the profile's paths are relative to; None when there is none."""

    @property
    def declared(self) -> Stack:
        """The stack as far as it is known before the boot: no addresses, but source, tests and owners."""

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        """Boot the stack.

        Args:
            tell: hears of every part that changes its state, also after the boot, until `stop`.
            spans_to: where the stack shall send its spans, as an OTLP/HTTP base address; empty: nowhere.

        Raises:
            EnvironmentUnusableError: nothing can be booted here.
        """

    def now(self) -> Stack:
        """The booted stack as it is now: with the process ids after restarts, and what happened to it so far."""

    async def gone(self) -> str:
        """Wait until the stack as a whole is gone although nobody stopped it; gives how that came about."""

    async def disturb(self, disruption: Disruption) -> None:
        """Do something to a part of the running stack; returns when it is done.

        Raises:
            DisruptionRefusedError: it could not be done; the message says why.
        """

    def usage(self) -> Reading:
        """What the parts of the stack have used of the machine so far. It may take a while: call it from a thread."""

    async def stop(self) -> None:
        """Take down all that `start` brought up; harmless when nothing runs."""
