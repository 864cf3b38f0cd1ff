"""Every single request of a run, exactly, and the files that hold them. Standard library only, as in `outcomes`."""

import csv
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from certify_checks.load.outcomes import UNANSWERED

REQUESTS, CALIBRATION = "requests.csv", "calibration.csv"
REQUEST_COLUMNS = ("start_us", "elapsed_us", "operation", "outcome")
CALIBRATION_COLUMNS = ("start_us", "elapsed_us", "true_us")


class Tally:
    """Rows of requests and calibration requests; times are microseconds since the run began."""

    def __init__(self) -> None:
        self._origin = time.perf_counter_ns()
        self._under_way: dict[int, tuple[int, int]] = {}
        self.requests: list[tuple[int, int, int, str]] = []
        self.calibration: list[tuple[int, int, int]] = []
        self.examples: dict[str, str] = {}

    def now(self) -> int:
        """Microseconds since the run began."""
        return (time.perf_counter_ns() - self._origin) // 1000

    def begin(self, user: int, operation: int) -> None:
        """A user sends a request; he has one at a time."""
        self._under_way[user] = (self.now(), operation)

    def end(self, user: int, elapsed_us: int, outcome: str, said: str) -> None:
        """The answer of that user's request has been read."""
        start, operation = self._under_way.pop(user)
        self.requests.append((start, elapsed_us, operation, outcome))
        if said:
            self.examples.setdefault(f"{operation} {outcome}", said)

    def close(self, timeout_us: int) -> None:
        """Count what is still under way: to leave it out would hide the slowest requests."""
        for start, operation in self._under_way.values():
            self.requests.append((start, timeout_us, operation, UNANSWERED))
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
