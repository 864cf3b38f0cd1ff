"""What the health check sees of the calls between services."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.tracing import Edge


class EdgesConfig(CheckConfig, frozen=True):
    """How long spans are waited for.

    `patience` until a declared edge counts as missing; `settle` in any case, so that undeclared edges show: longer
    than the exporters of the stack gather spans (`OTEL_BSP_SCHEDULE_DELAY`, 5 s where nobody set it).
    """

    patience: Duration = Duration("10 s")
    settle: Duration = Duration("6 s")


class Carried(msgspec.Struct, frozen=True):
    """What an edge carried.

    Attributes:
        calls: that both ends told of.
        failed: of these, by the word of either end.
        spoilt: operations of the exercise that were answered with an error and have a failed call here.
        trace: id of a trace with a call, as an example.
    """

    edge: Edge
    calls: int
    failed: int = 0
    spoilt: tuple[str, ...] = ()
    trace: str = ""


class Exercised(msgspec.Struct, frozen=True, omit_defaults=True):
    """An operation that was sent: what its answer complained of, if anything, and which services it reached."""

    operation: str
    trace: str
    complaint: str = ""
    reached: tuple[str, ...] = ()


class EdgesSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Edges that are declared, and edges that carried calls.

    Attributes:
        gateway: name of the gateway; it may call whom it likes unless edges of its are declared.
        heard: service -> spans, of the declared services and some others.
        exercised: operations that were sent to cause calls.
        unexercised: why none, or not all, were sent.
        lost: spans that the listener could not keep, or lines of its file that could not be read.
        waited_us: from the end of the exercise.
        decoy: a call between two services that do not exist was told to the listener, and found like any other.
    """

    declared: tuple[Edge, ...] = ()
    carried: tuple[Carried, ...] = ()
    services: tuple[str, ...] = ()
    gateway: str = ""
    heard: dict[str, int] = {}
    exercised: tuple[Exercised, ...] = ()
    unexercised: str = ""
    lost: int = 0
    waited_us: int = 0
    decoy: bool = False
