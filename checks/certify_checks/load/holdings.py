"""What the parts of a stack hold while a load lasts: memory, file handles, connections and threads."""

from collections.abc import Iterable

import msgspec

from certify.api import parse_quantity

DAY_US = 86_400_000_000
KINDS = ("memory", "handles", "connections", "threads")


class Holding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part, looked at again and again.

    Attributes:
        name: of the service.
        at_us: when it was looked at, since the first look.
        held: kind -> how much there was each time; a kind that could not be read is not there.
        ceilings: kind -> how much it may hold at most; a kind without a known bound is not there.
        unknown: kind -> why it could not be read.
        starts: how many processes it was, one after the other; more than one: it was started again.
    """

    name: str
    at_us: tuple[int, ...] = ()
    held: dict[str, tuple[int, ...]] = {}
    ceilings: dict[str, int] = {}
    unknown: dict[str, str] = {}
    starts: int = 0

    def points(self, kind: str) -> list[tuple[int, int]]:
        """(time, value) of a kind; none when it is not known."""
        return list(zip(self.at_us, self.held.get(kind, ()), strict=False))


class Soak(msgspec.Struct, frozen=True, omit_defaults=True):
    """All parts, over one load.

    Attributes:
        parts: the services and the gateway.
        from_us: when the load had all its users, since the first look.
        decoy: a process of our own that took some of each kind while it was watched, and how much: `planted`.
        planted: kind -> by how much the decoy grew at least.
        over_us: how far growth is projected.
        cost_us: processor time that looking took.
        missing: why nothing was looked at.
    """

    parts: tuple[Holding, ...] = ()
    from_us: int = 0
    decoy: Holding = Holding("decoy")
    planted: dict[str, int] = {}
    over_us: int = DAY_US
    cost_us: int = 0
    missing: str = ""


def check_sizes(texts: Iterable[str]) -> None:
    """Refuse what is no size.

    Raises:
        ValueError: it is none.
    """
    for text in texts:
        if text and parse_quantity(text).unit != "B":
            raise ValueError(f"{text!r} is not a size, such as '256 MiB'")
