"""Reads k6's raw samples (`--out csv`) into requests. Pure but for the file.

k6 writes several samples of each request, one after the other, the first of them `http_reqs`; their time is that of its
end. What a response took is `http_req_blocked` (waiting for a connection and making it) and `http_req_duration`.
"""

import csv
import gzip
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from certify_checks.load.generator.outcomes import CONNECTION, HTTP, OK, THROTTLED, UNSENT, WRONG
from certify_checks.load.generator.tally import Row
from certify_checks.load.k6.wrapper import BEGAN, CALIBRATING, CALIBRATION, LOAD, TRUTH

NEVER_STARTED: Final = "(iterations that found nobody free)"
_NANO = 1_000


class SampleError(ValueError):
    """The samples are not those of one whole run."""


class Request:
    """One request while its samples are read."""

    __slots__ = ("before", "checks", "elapsed_ms", "end_ns", "iteration", "name", "outcome", "said", "scenario", "vu")

    def __init__(self, sample: Mapping[str, str], vu: str, iteration: str) -> None:
        self.name, self.scenario = sample["name"] or "(no name)", sample["scenario"]
        self.end_ns, self.elapsed_ms = int(sample["timestamp"]), 0.0
        self.vu, self.iteration = vu, iteration
        self.outcome, self.said = _outcome(sample)
        self.before: Request | None = None
        self.checks: tuple[str, ...] = ()

    def row(self, number: int, origin_ns: int) -> Row:
        """As the generator writes it, in microseconds since the load began."""
        elapsed = round(self.elapsed_ms * 1000)
        start = (self.end_ns - origin_ns) // _NANO - elapsed
        return Row(start, elapsed, number, self.outcome, "", start, 0)


class Samples:
    """What the samples of a run say.

    Attributes:
        requests: of the script's users.
        calibration: start, elapsed and true time in microseconds of each request to the calibration server.
        origin_ns: when the load began, by the wall clock.
        users: when it was looked how many users there were, and how many, without those that calibrate.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.calibration: list[tuple[int, int, int]] = []
        self.origin_ns = 0
        self.users: list[tuple[int, int]] = []
        self.unsent: list[int] = []
        self._last: dict[str, Request] = {}

    def take(self, sample: Mapping[str, str]) -> None:
        """Take one sample; they come in the order of the file."""
        metric, about = sample["metric_name"], parse_qs(sample["metadata"])
        vu, iteration = about.get("vu", [""])[0], about.get("iter", [""])[0]
        if metric == BEGAN:
            self.origin_ns = int(sample["timestamp"])
        elif metric == "http_reqs":
            request, before = Request(sample, vu, iteration), self._last.get(vu)
            request.before = before if before and before.iteration == iteration else None
            self._last[vu] = request
            if request.scenario == LOAD:
                self.requests.append(request)
        elif metric in {"http_req_blocked", "http_req_duration"}:
            self._last[vu].elapsed_ms += float(sample["metric_value"])
        elif metric == "vus":
            self.users.append((int(sample["timestamp"]), int(float(sample["metric_value"])) - CALIBRATING))
        elif metric == "dropped_iterations" and sample["scenario"] == LOAD:
            self.unsent += [int(sample["timestamp"])] * int(float(sample["metric_value"]))
        elif metric in {"checks", TRUTH}:
            self._about(metric, self._last.get(vu), iteration, sample)

    def _about(self, metric: str, request: Request | None, iteration: str, sample: Mapping[str, str]) -> None:
        """What was said of the request before, in the same turn of the same user."""
        if request is None or request.iteration != iteration:
            return
        if metric == TRUTH and request.scenario == CALIBRATION and request.outcome == OK:
            true = float(sample["metric_value"])
            if math.isfinite(true):
                row = request.row(0, self.origin_ns)
                self.calibration.append((row.start_us, row.elapsed_us, round(true * 1000)))
        elif metric == "checks":
            name = sys.intern(sample["check"])
            # Answers that are looked into after several requests are one of each: no check looks twice into the same.
            while name in request.checks and request.before is not None:
                request = request.before
            request.checks += (name,)
            if request.outcome == OK and float(sample["metric_value"]) == 0:
                request.outcome, request.said = WRONG, f"check {name!r} failed"

    @property
    def names(self) -> list[str]:
        """The names of operations, in the order of their numbers."""
        return sorted({request.name for request in self.requests}) + ([NEVER_STARTED] if self.unsent else [])

    def rows(self) -> list[Row]:
        """All requests as the generator writes them."""
        numbers = {name: number for number, name in enumerate(self.names)}
        never = [
            Row(at, 0, numbers[NEVER_STARTED], UNSENT, "", at, 0)
            for at in ((at - self.origin_ns) // _NANO for at in self.unsent)
        ]
        return sorted([request.row(numbers[request.name], self.origin_ns) for request in self.requests] + never)

    def examples(self) -> dict[str, str]:
        """What the first request of each class said."""
        numbers, found = {name: number for number, name in enumerate(self.names)}, dict[str, str]()
        for request in self.requests:
            if request.said:
                found.setdefault(f"{numbers[request.name]} {request.outcome}", request.said[:300])
        return found

    def unchecked(self) -> list[str]:
        """Names of which no right answer was ever looked into: what is in a 200, k6 does not know."""
        looked_at = {request.name for request in self.requests if request.checks}
        return sorted({request.name for request in self.requests if request.outcome == OK} - looked_at)


def read_samples(path: Path) -> Samples:
    """Read the file that k6 wrote.

    Raises:
        SampleError: it is none, or the load never began.
        OSError: there is none.
    """
    samples = Samples()
    try:
        with gzip.open(path, "rt", newline="", encoding="utf-8", errors="replace") as source:
            _take_all(samples, csv.DictReader(source))
    except (KeyError, TypeError, ValueError, EOFError, csv.Error) as error:
        raise SampleError(f"{path.name} is not what k6 writes: {error!r}") from error
    if not samples.origin_ns:
        raise SampleError("the script's setup never came to its end")
    return samples


def _take_all(samples: Samples, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        samples.take(row)


def _outcome(sample: Mapping[str, str]) -> tuple[str, str]:
    status = int(sample["status"] or 0)
    if not status:
        return CONNECTION, sample["error"]
    if status == 429:
        return THROTTLED, ""
    # Of a redirect that is followed each step is a request; what the last one says is for the script's checks.
    return (OK, "") if 200 <= status < 400 else (HTTP, f"HTTP {status}")
