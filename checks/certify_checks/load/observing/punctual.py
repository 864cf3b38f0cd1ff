"""How punctual the requests of a load were, out of the generator's files."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from certify_checks.load.config import LoadConfig
from certify_checks.load.generator.outcomes import OK, UNSENT
from certify_checks.load.generator.tally import REQUESTS
from certify_checks.load.model import LoadSeen, StageSeen, Starts
from certify_checks.load.observing.reading import SUMMARY, Summary, rows_of
from certify_checks.load.statistics.intervals import percentile

P95 = 950_000


def punctual(folder: Path, config: LoadConfig) -> tuple[Starts, tuple[StageSeen, ...]]:
    """Late starts and stages of the measured window; lateness of the generator is told apart from that of busy users."""
    if not (config.rates or config.pace.microseconds):
        return Starts(), ()
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    begin, end = summary.window_us
    rows = [row for row in rows_of(folder / REQUESTS) if begin <= int(row["due_us"]) < end]
    timeout_us = config.timeout.microseconds
    lags = sorted(int(row["lag_us"]) for row in rows) or [0]
    waits = _waits(rows)
    late_p95_us, waited, sent_p95_us = _fared(rows, timeout_us)
    model = "open" if config.rates else "paced"
    concurrent = config.concurrent if config.rates else 0
    starts = Starts(model, late_p95_us, lags[-1], waited, max(waits, default=0), sent_p95_us, concurrent)
    return starts, tuple(_stage(stage, rows, begin, timeout_us) for stage in summary.stages if config.rates)


def _stage(stage: StageSeen, rows: list[dict[str, Any]], begin: int, timeout_us: int) -> StageSeen:
    own = [row for row in rows if stage.begin_us <= int(row["due_us"]) - begin < stage.end_us]
    late_p95_us, waited, sent_p95_us = _fared(own, timeout_us)
    return replace(stage, late_p95_us=late_p95_us, waited=waited, sent_p95_us=sent_p95_us)


def _fared(rows: list[dict[str, Any]], timeout_us: int) -> tuple[int, int, int]:
    """How late the generator was at its 95th percentile, how many had to wait, and the percentile had nobody waited."""
    lags = sorted(int(row["lag_us"]) for row in rows) or [0]
    sent = [int(row["elapsed_us"]) if row["outcome"] == OK else timeout_us for row in rows if row["outcome"] != UNSENT]
    return percentile(lags, P95), sum(wait > 0 for wait in _waits(rows)), percentile(sorted(sent) or [0], P95)


def _waits(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["start_us"]) - int(row["due_us"]) - int(row["lag_us"]) for row in rows]


def lengthened(folder: Path, seen: LoadSeen) -> LoadSeen:
    """With as many looks as there were to be, and how long the window was in the end."""
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    if summary.looks <= 1:
        return seen
    begin, end = summary.window_us
    return replace(seen, looks=summary.looks, hold_us=end - begin)
