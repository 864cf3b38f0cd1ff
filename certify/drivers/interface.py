"""What every way of booting a stack offers the engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from certify.model.check import Capability, Disruption
from certify.model.stack import Stack


class BootEvent(msgspec.Struct, frozen=True):
    """A service changed its state while the stack boots; `elapsed_us` since the start of the boot."""

    service: str
    state: str
    elapsed_us: int = 0
    detail: str = ""


class Booted(msgspec.Struct, frozen=True):
    """What the boot came to. `failures` maps services that did not come up to the reason with the last log lines."""

    stack: Stack
    failures: dict[str, str] = {}


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

    async def start(self, tell: Callable[[BootEvent], None]) -> Booted:
        """Boot the stack.

        Raises:
            EnvironmentUnusableError: nothing can be booted here.
        """

    async def disturb(self, disruption: Disruption) -> None:
        """Do something to a part of the running stack; returns when it is done.

        Raises:
            DisruptionRefusedError: it could not be done; the message says why.
        """

    async def stop(self) -> None:
        """Take down all that `start` brought up; harmless when nothing runs."""
