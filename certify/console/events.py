"""The events of a run and the interface of whatever shows them.

The engine feeds one `Console`; which of the three (live table, plain lines, JSON lines) it is, it does not know. All
times are integers in microseconds. Text in an event may come from a service or a tool: consoles escape it.
"""

from typing import Literal, Protocol, Self, TypeAlias

import msgspec

Level: TypeAlias = Literal["info", "warning", "error"]


class Phase(msgspec.Struct, frozen=True, tag="phase", tag_field="event"):
    """A new part of the run begins: `boot`, `checks`, `decide`, `seal`, `down`."""

    name: str


class BootState(msgspec.Struct, frozen=True, tag="boot", tag_field="event"):
    """A service changed its state: `waiting`, `starting`, `live`, `ready`, `failed`, `stopped`.

    `elapsed_us` counts from the start of the boot.
    """

    service: str
    state: str
    elapsed_us: int = 0


class JobStarted(msgspec.Struct, frozen=True, tag="job-started", tag_field="event"):
    """A check process began; `expected_us` is what it took in the previous run, None when there is none."""

    job: str
    check: str
    expected_us: int | None = None


class JobProgress(msgspec.Struct, frozen=True, tag="job-progress", tag_field="event"):
    """How far a check is; `total` 0: it does not know."""

    job: str
    text: str
    done: int = 0
    total: int = 0


class JobEnded(msgspec.Struct, frozen=True, tag="job-ended", tag_field="event"):
    """A check process ended. `outcomes` counts its rulings by outcome, as in `{"pass": 3, "fail": 1}`."""

    job: str
    outcomes: dict[str, int]
    elapsed_us: int = 0


class Message(msgspec.Struct, frozen=True, tag="message", tag_field="event"):
    """One line for people."""

    text: str
    level: Level = "info"


RunEvent: TypeAlias = Phase | BootState | JobStarted | JobProgress | JobEnded | Message


class Console(Protocol):
    """Shows a run's events. It is a context manager: leaving it gives the terminal back. Thread-safe."""

    def event(self, event: RunEvent, /) -> None:
        """Take in one event."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *args: object) -> None:
        """End the display; the last state stays visible."""
