"""Every single request of a run, exactly, and the files that hold them. Standard library only, as in `outcomes`."""

import csv
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from certify_checks.load.generator.outcomes import UNANSWERED, UNSENT

REQUESTS, CALIBRATION, FINISHED = "requests.csv", "calibration.csv", "finished.csv"
REQUEST_COLUMNS = ("start_us", "elapsed_us", "operation", "outcome", "unique", "due_us", "lag_us")
DIGITS = 8
"""Of the number that follows the run's own in a `{unique}`; as many for all, so that none is the beginning of another."""
FIRST_OF_JOBS = 16**DIGITS // 2
"""From this number on they belong to what is sent so many times in all; users have those below."""
CALIBRATION_COLUMNS = ("start_us", "elapsed_us", "true_us")


class Row(NamedTuple):
    """One request: when it was sent and how long it took then; when it was due, and how late this process alone made it."""

    start_us: int
    elapsed_us: int
    operation: int
    outcome: str
    unique: str
    due_us: int
    lag_us: int

    @property
    def response_us(self) -> int:
        """What counts: from when it was due to the last byte."""
        return self.start_us + self.elapsed_us - self.due_us


class Tally:
    """Rows of requests and calibration requests; times are microseconds since the run began."""

    def __init__(self) -> None:
        self._origin = time.perf_counter_ns()
        self._under_way: dict[int, tuple[int, int, str, int, int]] = {}
        self._sent = 0
        self.requests: list[Row] = []
        self.calibration: list[tuple[int, int, int]] = []
        self.examples: dict[str, str] = {}

    def now(self) -> int:
        """Microseconds since the run began."""
        return (time.perf_counter_ns() - self._origin) // 1000

    def begin(self, operation: int, unique: str, due: int | None = None, *, busy: bool = False) -> int:
        """A request is sent; `unique` is what its variables hold for `{unique}`. Returns the number of the sending.

        It was `due` then (now, unless told). If nobody was `busy`, this process alone is late.
        """
        self._sent += 1
        now = self.now()
        due = now if due is None else due
        self._under_way[self._sent] = (now, operation, unique, due, 0 if busy else now - due)
        return self._sent

    def end(self, sending: int, elapsed_us: int, outcome: str, said: str) -> Row:
        """The answer to that sending has been read; returns what is known of the request."""
        start, operation, unique, due, lag = self._under_way.pop(sending)
        row = Row(start, elapsed_us, operation, outcome, unique, due, lag)
        self.requests.append(row)
        if said:
            self.examples.setdefault(f"{operation} {outcome}", said)
        return row

    def give_up(self, operation: int, unique: str, due: int) -> None:
        """A request was due so long ago that its client would not wait any more; it is not sent."""
        self.requests.append(Row(self.now(), 0, operation, UNSENT, unique, due, 0))

    def close(self, timeout_us: int) -> None:
        """Count what is still under way: to leave it out would hide the slowest requests."""
        for start, operation, unique, due, lag in self._under_way.values():
            self.requests.append(Row(start, timeout_us, operation, UNANSWERED, unique, due, lag))
        self._under_way.clear()

    def write(self, folder: Path) -> None:
        """Write both files."""
        write(folder / REQUESTS, REQUEST_COLUMNS, sorted(self.requests))
        write(folder / CALIBRATION, CALIBRATION_COLUMNS, sorted(self.calibration))


def write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write one file of rows, with a header."""
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
