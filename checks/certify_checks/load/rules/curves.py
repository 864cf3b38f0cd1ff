"""Curves of a load for people: response times over time and by percentile, requests and failures a second. Pure."""

import itertools
from collections.abc import Iterable, Sequence

from certify.api import Axis, Chart, Curve, Limit
from certify_checks.load.model import LoadSeen, Moment
from certify_checks.load.statistics.intervals import MILLION, percentile

_BUCKETS = 60
_SHORTEST_US = 1_000_000
_SHARES = {"p50": 500_000, "p95": 950_000, "p99": 990_000}
_TAIL = (0, 250_000, 500_000, 750_000, 900_000, 950_000, 975_000, 990_000, 995_000, 999_000, 999_500, 999_900)
_TIME = Axis("time since the measured window began", "us")
_TOOK = Axis("response time", "us")

Bucket = Sequence[Moment]


def curves(seen: LoadSeen, limit: Limit) -> tuple[Chart, ...]:
    """All charts of a load; requests without a right answer are not among the response times, and have a curve of their own."""
    moments = seen.moments()
    if len(moments) < 2:
        return ()
    width = max(_SHORTEST_US, -(-max(seen.hold_us, moments[-1].began_us) // _BUCKETS))
    buckets = [(at, tuple(group)) for at, group in itertools.groupby(moments, lambda one: one.began_us // width)]
    return (_over_time(buckets, width, limit), _by_percentile(moments, limit), _rates(buckets, width))


def _over_time(buckets: Iterable[tuple[int, Bucket]], width: int, limit: Limit) -> Chart:
    timed = [(at * width, sorted(_right(bucket))) for at, bucket in buckets]
    drawn = tuple(
        Curve(name, tuple((at, percentile(times, share)) for at, times in timed if times))
        for name, share in _SHARES.items()
    )
    return Chart("Response times over time", _TIME, _TOOK, drawn, limit)


def _by_percentile(moments: Bucket, limit: Limit) -> Chart:
    """As far into the tail as there are ten requests beyond."""
    times = sorted(_right(moments))
    shares = [share for share in _TAIL if (MILLION - share) * len(times) >= 10 * MILLION]
    points = tuple((share, percentile(times, share)) for share in shares)
    axis = Axis("share of requests that took no longer", "ppm", tail=True)
    return Chart("Response times by percentile", axis, _TOOK, (Curve("all requests", points),), limit)


def _rates(buckets: Iterable[tuple[int, Bucket]], width: int) -> Chart:
    counted = [(at * width, len(bucket), sum(1 for one in bucket if one.took_us is None)) for at, bucket in buckets]
    per_second = 1000 * MILLION
    asked = Curve("requests", tuple((at, all_ * per_second // width) for at, all_, _ in counted[:-1]))
    failed = Curve("without a right answer", tuple((at, wrong * per_second // width) for at, _, wrong in counted[:-1]))
    return Chart("Requests over time", _TIME, Axis("requests a second", "m/s"), (asked, failed))


def _right(bucket: Bucket) -> Iterable[int]:
    return (one.took_us for one in bucket if one.took_us is not None)
