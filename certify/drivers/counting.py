"""What a driver reads of what the parts of its stack have used so far."""

import msgspec


class Counters(msgspec.Struct, frozen=True):
    """Of one part, at one moment. All but `memory` count from the start of its process; None: the system does not tell.

    Attributes:
        identity: of the process or container and of its start; another one counts from nothing again.
        cpu_us: time of one core in microseconds.
        memory: bytes at this moment.
        network_in, network_out, block_read, block_written: bytes.
    """

    identity: str
    cpu_us: int | None = None
    memory: int | None = None
    network_in: int | None = None
    network_out: int | None = None
    block_read: int | None = None
    block_written: int | None = None


class Reading(msgspec.Struct, frozen=True):
    """Of all parts, at one moment.

    Attributes:
        parts: each part's counters; None where it does not run now.
        cost_us: time of one core that this process spent on it.
        unknown: what the driver can tell of no part -> why.
        why: why there are no parts; empty while there are, or may come to be.
    """

    parts: dict[str, Counters | None] = {}
    cost_us: int = 0
    unknown: dict[str, str] = {}
    why: str = ""
