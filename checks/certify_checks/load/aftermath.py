"""What is to be asked of a stack after a load, and what it answered."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.replay.model import ReplayConfig, ReplayObservation


class After(CheckConfig, frozen=True):
    """What a stack must be like `within` this time after a load.

    Attributes:
        waiting: asked of each service's database: how many messages wait to be sent. A database without that table has none.
        sent: the ids of all messages that a service has sent or will send.
        taken: the ids of all that a service has taken; whatever those whose events it consumes have sent must be among them.
        replay: read models that must be what a rebuild from the events gives, as the replay check's options have it.
    """

    within: Duration = Duration("30 s")
    waiting: str = ""
    sent: str = ""
    taken: str = ""
    replay: ReplayConfig | None = None


class ServiceAfter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One service after the load.

    Attributes:
        probed: it has a ready probe; `status` is what that answered last, 0 for nothing, and `error` why.
        known: its process or container could be told from another one before the load; `again`: now it is another.
    """

    name: str
    probed: bool = False
    status: int = 0
    error: str = ""
    known: bool = False
    again: bool = False

    @property
    def ready(self) -> bool:
        """Whether it says so."""
        return 200 <= self.status < 300


class Queue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left of a queue: messages of `service` that wait, or that it has not taken of `source`.

    Attributes:
        new: how many came meanwhile; only for what is consumed.
        left: how many are there still.
        examples: ids of the first of them.
        problem: why it cannot be told.
    """

    service: str
    source: str = ""
    new: int = 0
    left: int = 0
    examples: tuple[str, ...] = ()
    problem: str = ""


class Aftermath(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was seen after a load. `asked`: which of `waiting`, `consumed` and `replay` the profile asks for."""

    services: tuple[ServiceAfter, ...] = ()
    queues: tuple[Queue, ...] = ()
    asked: tuple[str, ...] = ()
    took_us: int = 0
    within_us: int = 0
    replay: ReplayObservation | None = None
    missing: str = ""
