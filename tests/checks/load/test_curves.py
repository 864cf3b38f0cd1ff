"""Curves say what the requests say: exact percentiles per span, nothing of a tail that was not seen."""

from msgspec.structs import replace

from certify.api import Chart, Limit
from certify_checks.load.model import LoadSeen, OperationSeen
from certify_checks.load.rules.curves import curves

LIMIT = Limit.parse("< 300 ms")
SECOND = 1_000_000


def named(charts: tuple[Chart, ...]) -> dict[str, dict[str, tuple[tuple[int, int], ...]]]:
    return {chart.title: {curve.name: curve.points for curve in chart.curves} for chart in charts}


def steady(seconds: int, each: int) -> OperationSeen:
    """In the first half all take 10 ms, in the second 30 ms; one a second fails."""
    began = tuple(at * SECOND + number * SECOND // each for at in range(seconds) for number in range(each))
    took = tuple(10_000 if at < seconds * SECOND // 2 else 30_000 for at in began)
    failed = tuple(at * SECOND + 1 for at in range(seconds))
    return OperationSeen("list", took, {"http": seconds}, began_us=began, failed_us=failed)


def test_each_span_has_its_own_percentiles_and_rates():
    told = named(curves(LoadSeen(hold_us=20 * SECOND, operations=(steady(20, 50),)), LIMIT))
    for name in ("p50", "p95", "p99"):
        points = told["Response times over time"][name]
        assert points == tuple((at * SECOND, 10_000 if at < 10 else 30_000) for at in range(20))
    rates = told["Requests over time"]
    assert rates["requests"] == tuple((at * SECOND, 51_000) for at in range(19))
    assert {height for _, height in rates["without a right answer"]} == {1000}


def test_a_long_run_has_sixty_spans_and_the_tail_ends_where_ten_requests_lie_beyond():
    charts = curves(LoadSeen(hold_us=300 * SECOND, operations=(steady(300, 10),)), LIMIT)
    told = named(charts)
    assert len(told["Response times over time"]["p50"]) == 60
    shares = [share for share, _ in told["Response times by percentile"]["all requests"]]
    assert shares[-1] == 995_000
    assert all(chart.limit == LIMIT for chart in charts[:2])


def test_without_requests_there_is_nothing_to_draw(clean: LoadSeen):
    assert curves(replace(clean, operations=()), LIMIT) == ()
    silent = OperationSeen("list", failed={"http": 20}, failed_us=tuple(range(20)))
    told = named(curves(replace(clean, operations=(silent,)), LIMIT))
    assert set(told["Response times over time"].values()) == {()}
