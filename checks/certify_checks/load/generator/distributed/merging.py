"""What workers report, put together so that nothing is lost unseen and nothing counts twice. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from certify_checks.load.generator.tally import Row

CALIBRATION_COLUMNS = ("start_us", "elapsed_us", "true_us", "worker")


Ended = tuple[int, int, int, str, str]
"""Work that ended: when it was due, how long it took, operation, outcome, unique number."""


class NonsenseError(ValueError):
    """A worker's message is none."""


class Batch(msgspec.Struct, frozen=True):
    """Rows that a worker has finished since its last batch; times are microseconds of its own clock."""

    number: int
    requests: list[Row]
    calibration: list[tuple[int, int, int]]
    finished: list[Ended]


class Stage(msgspec.Struct, frozen=True):
    """One rate of a worker, as the generator's summary tells it."""

    rate: int
    begin_us: int
    end_us: int
    cpu_ppm: int


class Fared(msgspec.Struct, frozen=True):
    """How a worker fared, told at its end: its batches are numbered from 0 to `batches` - 1."""

    batches: int
    users: int
    cpu_ppm: int
    lag_p95_us: int
    lag_max_us: int
    polls: int
    deaf: int
    stages: list[Stage]
    examples: dict[str, str]


class Clock:
    """By how much a worker's clock is ahead of the master's: the exchange with the shortest way says it best (RFC 5905)."""

    def __init__(self) -> None:
        self.offset_us = 0
        self.uncertain_us = -1

    def exchanged(self, sent_us: int, theirs_us: int, received_us: int) -> None:
        """The master asked and heard at these times of its own; the worker answered at that time of its."""
        uncertain = (received_us - sent_us + 1) // 2
        if self.uncertain_us < 0 or uncertain < self.uncertain_us:
            self.uncertain_us, self.offset_us = uncertain, theirs_us - (sent_us + received_us) // 2


class Share:
    """One worker's part of a load, as far as the master has heard of it."""

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name
        self.armed = False
        self.reaches = True
        self.clock = Clock()
        self.lost = ""
        self.fared: Fared | None = None
        self.requests: list[Row] = []
        self.calibration: list[tuple[int, int, int]] = []
        self.finished: list[Ended] = []
        self._heard: set[int] = set()

    def take(self, batch: Batch) -> bool:
        """Keep the rows of a batch, unless it was heard before; returns whether it was not."""
        fresh = batch.number not in self._heard
        if fresh:
            self._heard.add(batch.number)
            self.requests += batch.requests
            self.calibration += batch.calibration
            self.finished += batch.finished
        return fresh

    @property
    def complete(self) -> bool:
        """Whether it came to its end and every batch of it was heard."""
        return self.fared is not None and self._heard == set(range(self.fared.batches))

    def rows(self) -> Iterable[Row]:
        """Its requests, by the master's clock."""
        ahead = self.clock.offset_us
        return (row._replace(start_us=row.start_us - ahead, due_us=row.due_us - ahead) for row in self.requests)

    def calibrated(self) -> Iterable[tuple[int, ...]]:
        """Its calibration requests, by the master's clock, and its number."""
        return ((start - self.clock.offset_us, *rest, self.number) for start, *rest in self.calibration)

    def ended(self) -> Iterable[Ended]:
        """Work of its requests that ended, by the master's clock."""
        return ((due - self.clock.offset_us, *rest) for due, *rest in self.finished)  # type: ignore[misc]

    def told(self) -> dict[str, Any]:
        """What the summary says of it; of one that was lost, only what was heard of it."""
        fared = self.fared or Fared(0, 0, 0, 0, 0, 0, 0, [], {})
        return {
            "number": self.number,
            "name": self.name,
            "users": fared.users,
            "cpu_ppm": fared.cpu_ppm,
            "lag_p95_us": fared.lag_p95_us,
            "lag_max_us": fared.lag_max_us,
            "offset_us": self.clock.offset_us,
            "uncertain_us": self.clock.uncertain_us,
            "requests": len(self.requests),
            "lost": self.lost,
        }


def understood(told: Any, kind: Any) -> Any:
    """A message as what it must be.

    Raises:
        NonsenseError: it is something else.
    """
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise NonsenseError(str(error)) from error


def summary(shares: Iterable[Share]) -> dict[str, Any]:
    """What is known of the load apart from its requests: the worst of the workers stands for all of them."""
    shares = list(shares)
    told = [share.told() for share in shares]
    examples: dict[str, str] = {}
    for share in shares:
        examples = (share.fared.examples if share.fared else {}) | examples
    worst = {name: max(one[name] for one in told) for name in ("cpu_ppm", "lag_p95_us", "lag_max_us")}
    fared = [share.fared.stages for share in shares if share.fared]
    stages = [_together(parts) for parts in zip(*fared, strict=False)]
    sums = {name: sum(getattr(share.fared, name, 0) for share in shares) for name in ("users", "polls", "deaf")}
    return worst | sums | {"stages": stages, "examples": examples, "workers": told}


def _together(parts: tuple[Stage, ...]) -> dict[str, int]:
    """One stage of all workers: their rates add up, and it is over when the last is done with it."""
    return {
        "rate": sum(part.rate for part in parts),
        "begin_us": min(part.begin_us for part in parts),
        "end_us": max(part.end_us for part in parts),
        "cpu_ppm": max(part.cpu_ppm for part in parts),
    }


def part(config: dict[str, Any], number: int, workers: int) -> dict[str, Any]:
    """What one of so many workers is to do; Locust's master shares out the users.

    Arrivals at random at a rate are, all together, those of many at a part of it (superposition of Poisson processes).
    What is sent so many times in all is sent by the first.
    """
    stages = [stage | {"rate": stage["rate"] / workers} for stage in config["stages"]]
    operations = [one | {"times": 0 if number else one["times"]} for one in config["operations"]]
    return config | {
        "operations": operations,
        "stages": stages,
        "concurrent": -(-config["concurrent"] // workers),
        "seed": config["seed"] + 1_000_003 * number,
        "worker": number,
        "workers": workers,
    }
