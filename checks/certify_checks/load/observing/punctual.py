"""How punctual the requests of a load were, out of the generator's files."""

from pathlib import Path

import msgspec

from certify_checks.load.config import LoadConfig
from certify_checks.load.generator.outcomes import OK, UNSENT
from certify_checks.load.generator.tally import REQUESTS
from certify_checks.load.model import StageSeen, Starts
from certify_checks.load.observing.reading import SUMMARY, Summary, rows_of
from certify_checks.load.statistics.intervals import percentile

P95 = 950_000


def punctual(folder: Path, config: LoadConfig) -> tuple[Starts, tuple[StageSeen, ...]]:
    """Late starts and stages of the measured window; lateness of the generator is told apart from that of busy users."""
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    begin, end = summary.window_us
    rows = [row for row in rows_of(folder / REQUESTS) if begin <= int(row["due_us"]) < end]
    if not (config.rates or config.pace.microseconds):
        return Starts(), ()
    lags = sorted(int(row["lag_us"]) for row in rows) or [0]
    waits = [int(row["start_us"]) - int(row["due_us"]) - int(row["lag_us"]) for row in rows]
    timeout_us = config.timeout.microseconds
    sent = [int(row["elapsed_us"]) if row["outcome"] == OK else timeout_us for row in rows if row["outcome"] != UNSENT]
    starts = Starts(
        "open" if config.rates else "paced",
        percentile(lags, P95),
        lags[-1],
        sum(wait > 0 for wait in waits),
        max(waits, default=0),
        percentile(sorted(sent) or [0], P95),
        config.concurrent if config.rates else 0,
    )
    return starts, summary.stages if config.rates else ()
