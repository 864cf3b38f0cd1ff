"""Reads what became of work that was accepted, and which rows of uploaded files must be there of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from certify_checks.load.config import Operation
from certify_checks.load.generator.outcomes import NOT_ACCEPTED, OK, UNFINISHED
from certify_checks.load.generator.tally import DIGITS, FINISHED, REQUESTS
from certify_checks.load.model import Finishing, OperationSeen
from certify_checks.load.observing.reading import SUMMARY, Sent, Summary, rows_of, sent_of

Rows = list[dict[str, Any]]


def finishing(folder: Path, operations: Sequence[Operation]) -> Finishing:
    """What became of requests that were due in the measured window, of each operation that says how its work ends.

    A request that was not accepted is there as well: nobody gets what was asked for.
    """
    asked = {number: one for number, one in enumerate(operations) if one.finish}
    if not asked:
        return Finishing()
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    rows = [*rows_of(folder / FINISHED), *_without_end(rows_of(folder / REQUESTS), rows_of(folder / FINISHED))]
    seen = tuple(_operation(one.name, number, _of(rows, number, summary), summary) for number, one in asked.items())
    ends = [one.finish for one in asked.values() if one.finish]
    every = max(finish.every.microseconds for finish in ends)
    within = max(finish.within.microseconds for finish in ends)
    return Finishing(seen, summary.polls, summary.deaf, every, within)


def sent_and_done(folder: Path, operations: Sequence[Operation]) -> dict[str, Sent]:
    """What was sent of each operation over the whole run, ramp and warm-up included.

    Where work is finished later, only what was is done. Of an upload each row counts.
    """
    requests, ended = rows_of(folder / REQUESTS), rows_of(folder / FINISHED)
    return {one.name: _sent(one, _own(requests, number), _own(ended, number)) for number, one in enumerate(operations)}


def _sent(operation: Operation, requests: Rows, ended: Rows) -> Sent:
    told = sent_of(requests)
    if operation.finish:
        done = frozenset(row["unique"] for row in ended if row["outcome"] == OK)
        told = msgspec.structs.replace(told, done=done, unclear=(told.done | told.unclear) - done)
    if operation.upload is None:
        return told
    rows = operation.upload.rows
    done, unclear = (frozenset(numbers(each, rows)) for each in (told.done, told.unclear))
    return Sent(done, unclear, told.repeated * rows, told.run)


def numbers(firsts: Iterable[str], rows: int) -> Iterable[str]:
    """The unique numbers of all rows of files, each told by that of its first row."""
    for first in firsts:
        run, number = first[:-DIGITS], int(first[-DIGITS:], 16)
        yield from (f"{run}{number + row:0{DIGITS}x}" for row in range(rows))


def _own(rows: Rows, number: int) -> Rows:
    return [row for row in rows if int(row["operation"]) == number]


def _of(rows: Rows, number: int, summary: Summary) -> Rows:
    begin, end = summary.window_us
    return sorted(
        (row for row in _own(rows, number) if begin <= int(row["due_us"]) < end), key=lambda row: int(row["due_us"])
    )


def _without_end(requests: Rows, ended: Rows) -> Iterable[dict[str, Any]]:
    """Requests of which no end is told: what was not accepted, and what was and nobody knows any more of."""
    told = Counter(_which(row) for row in ended)
    for row in requests:
        if row["outcome"] != OK:
            yield {**row, "outcome": NOT_ACCEPTED}
        elif told[_which(row)]:
            told[_which(row)] -= 1
        else:
            yield {**row, "outcome": UNFINISHED}


def _which(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["operation"], row["unique"], row["due_us"]


def _operation(name: str, number: int, own: Rows, summary: Summary) -> OperationSeen:
    begin = summary.window_us[0]
    right = [row for row in own if row["outcome"] == OK]
    wrong = [row for row in own if row["outcome"] != OK]
    failed = Counter(row["outcome"] for row in wrong)
    said = {outcome: text for outcome in failed if (text := summary.examples.get(f"{number} finish {outcome}"))}
    return OperationSeen(
        name,
        tuple(int(row["elapsed_us"]) for row in right),
        dict(failed),
        said,
        tuple(int(row["due_us"]) - begin for row in right),
        tuple(int(row["due_us"]) - begin for row in wrong),
    )
