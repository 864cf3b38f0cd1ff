"""What the parts of a stack used of the machine, as it stands in the record. Integers in the smallest unit; None is not known."""

import msgspec


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    """What one part used, with all processes that it started, over all of its restarts.

    Attributes:
        name: of the service, or of another part such as the gateway, the database server, the broker.
        samples: how often it was seen; 0: it was never seen, and nothing is known.
        cpu_us: time of one core, in microseconds, from the start of its process to its last sample.
        memory_peak: bytes, the largest of the samples.
        network_in: bytes that it received, from itself and others.
        network_out: bytes that it sent.
        block_read: bytes that were read from block devices for it.
        block_written: bytes that were written to block devices for it.
        cpu_line: time of one core in each of the equal spans between the first and the last sample of all.
    """

    name: str
    samples: int = 0
    cpu_us: int | None = None
    memory_peak: int | None = None
    network_in: int | None = None
    network_out: int | None = None
    block_read: int | None = None
    block_written: int | None = None
    cpu_line: tuple[int, ...] = ()


class Resources(msgspec.Struct, frozen=True, rename="camel"):
    """What the stack used while it was up.

    Attributes:
        parts: in the order in which the driver names them.
        samples: how often all parts were looked at.
        every_us: between two looks, on average.
        cost_us: time of one core that certify itself spent on looking.
        span_us: length of the spans of `Usage.cpu_line`.
        unknown: what is known of no part -> why.
        missing: why there are no parts at all.
    """

    parts: tuple[Usage, ...] = ()
    samples: int = 0
    every_us: int = 0
    cost_us: int = 0
    span_us: int = 0
    unknown: dict[str, str] = {}
    missing: str = "nobody looked"
