"""What a schedule, a pace or a rate, adds to a judgement: who was late, and what each rate came to. Pure."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from certify.api import Limit, Measurement, Ruling, format_quantity
from certify_checks.load.model import LoadSeen, Moment, StageSeen
from certify_checks.load.statistics.intervals import percentile

P95 = 950_000
_DEVIATIONS = 5  # of a Poisson count: one run in three million has fewer
SETTLING = 4
"""A step settles for this part of it, a fourth, before its throughput counts: what is under way at its begin belongs to the one before."""


class Figures(msgspec.Struct, frozen=True):
    """One stage: how many requests were due in it, and what became of them.

    Attributes:
        stage: its rate and its place in the measured window.
        due: how many requests were due.
        settled: how many of them after the stage had settled.
        done: right answers that came from then on and before the stage ended, whenever they were due.
        times: response times in the order in which requests were due; what had no right answer counts as timed out.
    """

    stage: StageSeen
    due: int
    settled: int
    done: int
    times: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.stage.end_us - self.stage.begin_us) / 1_000_000

    @property
    def throughput(self) -> int:
        """Right answers a second, in thousandths."""
        return round(1_000_000_000 * self.done / (self.stage.end_us - settled_us(self.stage)))

    @property
    def p95_us(self) -> int:
        """The 95th percentile; 0 without a request."""
        return percentile(sorted(self.times), P95) if self.times else 0


def settled_us(stage: StageSeen) -> int:
    """From when on the throughput of a stage counts."""
    return stage.begin_us + (stage.end_us - stage.begin_us) // SETTLING


def figures(seen: LoadSeen) -> tuple[Figures, ...]:
    """Every stage of a load, in their order."""
    moments = seen.moments()
    longest = max(seen.timeout_us, *(one.took_us or 0 for one in moments), 0)
    return tuple(_of_stage(stage, moments, longest) for stage in seen.stages)


def _of_stage(stage: StageSeen, moments: Sequence[Moment], longest: int) -> Figures:
    within, settled = [one for one in moments if stage.begin_us <= one.began_us < stage.end_us], settled_us(stage)
    ended = [one.began_us + one.took_us for one in moments if one.took_us is not None]
    return Figures(
        stage,
        len(within),
        sum(one.began_us >= settled for one in within),
        sum(settled <= end < stage.end_us for end in ended),
        tuple(longest if one.took_us is None else one.took_us for one in within),
    )


def varied(seen: LoadSeen) -> bool:
    """Whether the rate was not the same all the time."""
    return len({stage.rate for stage in seen.stages}) > 1


def crowd(seen: LoadSeen) -> str:
    """Who sent the requests, for people."""
    if not seen.stages:
        return f"{seen.users} users"
    rates = sorted(stage.rate for stage in seen.stages)
    low, high = (format_quantity(rate, "m/s") for rate in (rates[0], rates[-1]))
    return f"a rate of {low}" if low == high else f"rates from {low} to {high}"


def missing(seen: LoadSeen) -> Ruling | None:
    """Why this was not the rate that was asked for; None when as many requests were due as chance allows."""
    expected = sum(stage.rate * (stage.end_us - stage.begin_us) for stage in seen.stages) // 1_000_000_000
    if seen.requests >= expected - _DEVIATIONS * math.isqrt(expected):
        return None
    summary = f"only {seen.requests:,} requests were due, of about {expected:,}: some of the load was never made"
    cure = "read generator.log and the logs of workers in the evidence, and run the load again"
    return Ruling.inconclusive("rate-not-reached", summary, cure=cure, examined=seen.requests)


def exhausted(seen: LoadSeen, limit: Limit) -> Ruling | None:
    """Why slowness may be that of a load with too few users for its rate; None when it is not."""
    starts = seen.starts
    if not (starts.concurrent and starts.waited and limit.holds(starts.sent_p95_us)):
        return None
    summary = (
        f"{starts.waited:,} requests waited up to {format_quantity(starts.waited_max_us, 'us')} because all "
        f"{starts.concurrent} users were busy; of those sent, the p95 is {format_quantity(starts.sent_p95_us, 'us')}"
    )
    cure = "raise `concurrent`, so that the stack alone makes requests wait"
    return Ruling.inconclusive("concurrency-exhausted", summary, cure=cure, examined=seen.requests)


def measurements(seen: LoadSeen) -> Iterable[Measurement]:
    """Each stage, and how punctual requests were: for people, without limits."""
    if varied(seen):
        for one in figures(seen):
            name = f"p95 at {format_quantity(one.stage.rate, 'm/s')}"
            yield Measurement(name, one.p95_us, "us", samples=one.due)
    if seen.starts.model != "closed":
        yield Measurement("late starts of the generator at p95", seen.starts.late_p95_us, "us")
        yield Measurement("requests that waited for a user", seen.starts.waited)
        yield Measurement("p95 had nobody waited", seen.starts.sent_p95_us, "us")
