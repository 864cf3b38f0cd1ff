"""What is seen of how a stack started. Times in microseconds."""

import msgspec

from certify.api import CheckConfig, Happened


class Allowed(CheckConfig, frozen=True):
    """Error lines that are no defect until the service is ready.

    Attributes:
        pattern: a regular expression that is searched for in the line.
        reason: why they are none; it goes into the ledger.
        services: whose log it is about; all when empty.
    """

    pattern: str
    reason: str
    services: tuple[str, ...] = ()


class PortTaken(msgspec.Struct, frozen=True, omit_defaults=True):
    """A log tells that an address is taken. `holder` is who listens there, or empty when nobody was found."""

    port: int = 0
    holder: str = ""
    line: str = ""


class StartLog(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a log from its first line until its owner was ready.

    Attributes:
        lines: how many were read.
        errors: how many of them tell an error that nobody allowed.
        first: the first of these, made visible and cut.
        allowed: pattern -> how many error lines it allowed.
        taken: addresses that were taken.
        timed: its lines have times, by which the start is told from what came later; else all of it was read.
        truncated: it is so long that the start was not read to its end.
        obstacle: why it could not be read.
    """

    part: str
    lines: int = 0
    errors: int = 0
    first: tuple[str, ...] = ()
    allowed: dict[str, int] = {}
    taken: tuple[PortTaken, ...] = ()
    timed: bool = True
    truncated: bool = False
    obstacle: str = ""


class Beginning(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the stack started, and whether it stayed up.

    Attributes:
        happened: all that the driver saw of the stack so far, in order.
        parts: names of the services and the gateway.
        gateway: name of the gateway, which waits for the services; empty when there is none.
        gone: processes that ended while this was observed.
        watched_us: how long the processes were watched for that, counted from the start of the youngest.
        logs: of the services, and of other parts where they were found.
        decoys: a log with planted lines, read the same way.
        budget: how long a service may take from its start until it is ready, such as `30 s`.
    """

    happened: tuple[Happened, ...] = ()
    parts: tuple[str, ...] = ()
    gateway: str = ""
    gone: tuple[str, ...] = ()
    watched_us: int = 0
    logs: tuple[StartLog, ...] = ()
    decoy: StartLog | None = None
    budget: str = "30 s"


def ready_at(happened: tuple[Happened, ...], part: str) -> tuple[int, int] | None:
    """When the last try of a part that led to readiness first was started, and when it was ready; None: it never was."""
    began = 0
    for event in happened:
        if event.part != part:
            continue
        if event.state in {"starting", "restarting"}:
            began = event.at_us
        elif event.state == "ready":
            return began, event.at_us
    return None


def first_start(happened: tuple[Happened, ...], part: str) -> int:
    """When a part was started for the first time; 0 when that is not known."""
    return next((event.at_us for event in happened if event.part == part and event.state == "starting"), 0)


def asked_of(happened: tuple[Happened, ...]) -> bool:
    """Whether anybody disturbed the stack on purpose."""
    return any(event.asked for event in happened)
