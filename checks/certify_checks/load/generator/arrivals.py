"""When requests are due, in microseconds: at random at a rate, or each user's own schedule. Pure; standard library only."""

import math
import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MICRO = 1_000_000
JITTER = 0.25
"""Share of its pace by which a user may be early or late: two requests of one user are half a pace apart at least."""


class Phase(NamedTuple):
    """A rate that changes evenly from `first` to `last` requests a second, over so many seconds."""

    seconds: float
    first: float
    last: float

    @property
    def expected(self) -> float:
        """How many requests are due in it, on average."""
        return self.seconds * (self.first + self.last) / 2

    def until(self, requests: float) -> float:
        """After how many seconds so many are expected: the root of first t + (last - first) t^2 / (2 seconds)."""
        bend = (self.last - self.first) / self.seconds
        return 2 * requests / (self.first + math.sqrt(max(0.0, self.first**2 + 2 * bend * requests)))


def poisson(chance: random.Random, phases: Iterable[Phase], begin_us: int = 0) -> Iterator[int]:
    """Arrivals of a Poisson process whose rate follows `phases`, ascending.

    A process of rate 1, its time stretched by the inverse of the expected number of arrivals (Cinlar 1975, Introduction to
    Stochastic Processes, section 4.7).
    """
    at, began = chance.expovariate(1.0), float(begin_us)
    for phase in phases:
        while at < phase.expected:
            yield int(began + MICRO * phase.until(at))
            at += chance.expovariate(1.0)
        at -= phase.expected
        began += MICRO * phase.seconds


def paced(chance: random.Random, pace_us: int, begin_us: int) -> Iterator[int]:
    """One user's schedule, without an end: somewhere in the middle half of each pace.

    A user comes in the middle of a pace, so that many of them ask as often in the first as in any other.
    """
    began = begin_us - chance.uniform(0, pace_us)
    while True:
        due = int(began + pace_us * chance.uniform(0.5 - JITTER, 0.5 + JITTER))
        if due >= begin_us:
            yield due
        began += pace_us
