"""Every single request of a run, exactly, and the files that hold them. Standard library only, as in `outcomes`."""

import csv
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from certify_checks.load.generator.outcomes import UNANSWERED

REQUESTS, CALIBRATION = "requests.csv", "calibration.csv"
REQUEST_COLUMNS = ("start_us", "elapsed_us", "operation", "outcome", "unique")
DIGITS = 8
"""Of the number that follows the run's own in a `{unique}`; as many for all, so that none is the beginning of another."""
CALIBRATION_COLUMNS = ("start_us", "elapsed_us", "true_us")


class Tally:
    """Rows of requests and calibration requests; times are microseconds since the run began."""

    def __init__(self) -> None:
        self._origin = time.perf_counter_ns()
        self._under_way: dict[int, tuple[int, int, str]] = {}
        self._sent = 0
        self.requests: list[tuple[int, int, int, str, str]] = []
        self.calibration: list[tuple[int, int, int]] = []
        self.examples: dict[str, str] = {}

    def now(self) -> int:
        """Microseconds since the run began."""
        return (time.perf_counter_ns() - self._origin) // 1000

    def begin(self, operation: int, unique: str) -> int:
        """A request is sent; `unique` is what its variables hold for `{unique}`. Returns the number of the sending."""
        self._sent += 1
        self._under_way[self._sent] = (self.now(), operation, unique)
        return self._sent

    def end(self, sending: int, elapsed_us: int, outcome: str, said: str) -> None:
        """The answer to that sending has been read."""
        start, operation, unique = self._under_way.pop(sending)
        self.requests.append((start, elapsed_us, operation, outcome, unique))
        if said:
            self.examples.setdefault(f"{operation} {outcome}", said)

    def close(self, timeout_us: int) -> None:
        """Count what is still under way: to leave it out would hide the slowest requests."""
        for start, operation, unique in self._under_way.values():
            self.requests.append((start, timeout_us, operation, UNANSWERED, unique))
        self._under_way.clear()

    def write(self, folder: Path) -> None:
        """Write both files."""
        _write(folder / REQUESTS, REQUEST_COLUMNS, sorted(self.requests))
        _write(folder / CALIBRATION, CALIBRATION_COLUMNS, sorted(self.calibration))


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
