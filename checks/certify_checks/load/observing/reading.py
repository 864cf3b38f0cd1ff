"""Reads the generator's files into an observation. Only requests that were due in the measured window count."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from certify_checks.load.generator.outcomes import OK
from certify_checks.load.generator.tally import CALIBRATION, DIGITS, REQUESTS
from certify_checks.load.model import Calibration, Generator, OperationSeen, StageSeen, WorkerSeen
from certify_checks.load.observing.calibration import DELAY

SUMMARY = "generator.json"


class Summary(msgspec.Struct, frozen=True):
    """What the generator says of a run, apart from its requests."""

    window_us: tuple[int, int]
    users: int
    cpu_ppm: int
    lag_p95_us: int
    lag_max_us: int
    examples: dict[str, str]
    version: str
    stages: tuple[StageSeen, ...] = ()
    looks: int = 1
    workers: tuple[WorkerSeen, ...] = ()
    polls: int = 0
    deaf: int = 0
    names: tuple[str, ...] = ()
    problem: str = ""

    def generator(self) -> Generator:
        """As it stands in the observation."""
        return Generator(self.cpu_ppm, self.lag_p95_us, self.lag_max_us, self.users, self.version)


class Sent(msgspec.Struct, frozen=True):
    """The unique numbers of one operation's requests over a whole run.

    Attributes:
        done: those with a right answer to at least one sending.
        unclear: those without any.
        repeated: how many were sent more than once.
        run: what all numbers of the run begin with.
    """

    done: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    repeated: int = 0
    run: str = ""


def sent(folder: Path, names: list[str]) -> dict[str, Sent]:
    """What was sent of each operation, ramp and warm-up included; `names` as for `read`."""
    rows = rows_of(folder / REQUESTS)
    return {name: sent_of([row for row in rows if names[int(row["operation"])] == name]) for name in names}


def sent_of(own: list[dict[str, Any]]) -> Sent:
    """What rows of one operation say of its requests."""
    times = Counter(row["unique"] for row in own)
    done = frozenset(row["unique"] for row in own if row["outcome"] == OK)
    run = next(iter(times))[:-DIGITS] if times else ""
    return Sent(done, frozenset(times) - done, sum(count > 1 for count in times.values()), run)


def read(folder: Path, names: list[str]) -> tuple[tuple[OperationSeen, ...], Calibration, Generator]:
    """Read the files of one run; `names` are the operations in the order of the configuration.

    Raises:
        OSError: a file is missing.
        msgspec.DecodeError: the summary cannot be read.
    """
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    begin, end = summary.window_us
    requests = [row for row in rows_of(folder / REQUESTS) if begin <= int(row["due_us"]) < end]
    requests.sort(key=lambda row: int(row["due_us"]))
    timed = [row for row in rows_of(folder / CALIBRATION) if begin <= int(row["start_us"]) < end]
    overheads = _overheads(timed)
    operations = tuple(
        _operation(name, [row for row in requests if int(row["operation"]) == number], begin, summary.examples, number)
        for number, name in enumerate(names)
    )
    return operations, Calibration(overheads, round(DELAY * 1_000_000)), summary.generator()


def workers(folder: Path) -> tuple[WorkerSeen, ...]:
    """How each process fared that shared the load; none where one made all of it."""
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    begin, end = summary.window_us
    timed = [row for row in rows_of(folder / CALIBRATION) if begin <= int(row["start_us"]) < end]
    return tuple(
        replace(one, overheads_us=_overheads(row for row in timed if row["worker"] == str(one.number)))
        for one in summary.workers
    )


def _overheads(rows: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    return tuple(sorted(int(row["elapsed_us"]) - int(row["true_us"]) for row in rows))


def response_us(row: Mapping[str, Any]) -> int:
    """What counts of a row: from when the request was due to the last byte."""
    return int(row["start_us"]) + int(row["elapsed_us"]) - int(row["due_us"])


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of one file, column -> text."""
    with path.open(newline="", encoding="utf-8") as source:
        return list(csv.DictReader(source))


def _operation(
    name: str, own: list[dict[str, Any]], window: int, examples: dict[str, str], number: int
) -> OperationSeen:
    right = [row for row in own if row["outcome"] == OK]
    wrong = [row for row in own if row["outcome"] != OK]
    failed = Counter(row["outcome"] for row in wrong)
    return OperationSeen(
        name,
        tuple(response_us(row) for row in right),
        dict(failed),
        {outcome: text for outcome in failed if (text := examples.get(f"{number} {outcome}"))},
        tuple(int(row["due_us"]) - window for row in right),
        tuple(int(row["due_us"]) - window for row in wrong),
    )
