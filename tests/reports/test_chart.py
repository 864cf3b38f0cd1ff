"""A chart in the report: its curves lie within the picture, the limit where it belongs, and no name is markup."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Axis, Chart, Curve, Limit, Record
from certify_reports import html
from certify_reports.chart import BOTTOM, CURVES, LEFT, RIGHT, TOP, ChartView, view

EVIL = '<script>alert(1)</script>"&\u202e\x1b[31m' + "long " * 20
ROOM = 2000


def over_time(*heights: int, limit: str = "< 300 ms") -> Chart:
    points = tuple((second * 1_000_000, height) for second, height in enumerate(heights))
    axes = (Axis("time", "us"), Axis("response time", "us"))
    return Chart("Latency", *axes, (Curve("p95", points),), Limit.parse(limit))


def shown(chart: Chart) -> ChartView:
    drawn = view(chart, ROOM)
    assert drawn is not None
    return drawn


def test_curves_ticks_and_limit_lie_within_the_picture():
    drawn = shown(over_time(20_000, 90_000, 40_000))
    (path,) = drawn.paths
    assert [x for x, _ in path.points] == [LEFT, (LEFT + RIGHT) / 2, RIGHT]
    assert all(TOP <= y <= BOTTOM for _, y in path.points)
    assert path.points[1][1] < path.points[2][1] < path.points[0][1]
    assert [tick.text for tick in drawn.x_ticks] == ["0 ms", "500 ms", "1,000 ms", "1,500 ms", "2,000 ms"]
    assert [tick.text for tick in drawn.y_ticks] == ["0 ms", "100 ms", "200 ms", "300 ms"]
    assert drawn.limit == drawn.y_ticks[-1].at
    assert drawn.rows[1] == ("1,000 ms", "90 ms")


def test_a_limit_far_above_is_told_and_does_not_flatten_the_curves():
    drawn = shown(over_time(100, 200, limit="< 10 s"))
    assert drawn.limit is None
    assert "far above" in drawn.limit_told
    assert min(y for _, y in drawn.paths[0].points) < TOP + 20


def test_each_further_nine_takes_as_much_room():
    points = ((0, 1), (900_000, 2), (990_000, 3), (999_000, 4))
    tail = Chart("", Axis("share", "ppm", tail=True), Axis("time", "us"), (Curve("all", points),))
    xs = [x for x, _ in shown(tail).paths[0].points]
    steps = [later - earlier for earlier, later in itertools.pairwise(xs)]
    assert max(steps) - min(steps) < 0.3


@pytest.mark.parametrize("points", [(), ((1, 1),)])
def test_what_is_no_curve_is_not_drawn(points: tuple[tuple[int, int], ...]):
    assert view(Chart("", Axis("x"), Axis("y"), (Curve("few", points),)), ROOM) is None
    assert view(over_time(1, 2, 3), 20) is None


@pytest.mark.parametrize("unit", ["us", "ppm", "B", "m/s", "1"])
@pytest.mark.parametrize("top", [0, 1, 7, 999, 123_456, 10**9, 10**12])
def test_there_are_a_few_ticks_whatever_the_size(unit: str, top: int):
    drawn = shown(Chart("", Axis("x"), Axis("y", unit), (Curve("all", ((0, 0), (5, top))),)))
    assert 1 <= len(drawn.y_ticks) <= 8
    assert len(drawn.y_ticks) >= min(top, 2)


def test_many_points_and_curves_are_counted_not_listed():
    curves = tuple(Curve(f"c{number}", tuple((x, x) for x in range(1000))) for number in range(10))
    drawn = shown(Chart("", Axis("x"), Axis("y"), curves))
    assert len(drawn.paths) == CURVES
    assert (len(drawn.rows), drawn.rows_left) == (40, 960)


@pytest.fixture
def page(sample: Any) -> Callable[[Chart], str]:
    """The report of a run in which a rule gave a chart."""

    def render(chart: Chart) -> str:
        record: Record = sample.record
        first = record.controls[0]
        told = replace(first, rulings=(replace(first.rulings[0], charts=(chart,)),))
        return html.render(replace(record, controls=(told, *record.controls[1:])), sample.decision, sample.context)

    return render


def test_the_page_has_picture_legend_and_table(page: Callable[[Chart], str]):
    text = page(over_time(20_000, 90_000, 40_000))
    assert text.count('<svg class="chart"') == 1
    assert text.count('class="curve c1"') == 2
    assert "90 ms" in text
    assert "limit &lt; 300 ms" in text


def test_no_name_is_markup(page: Callable[[Chart], str]):
    points = ((0, 1), (1, 2))
    chart = Chart(EVIL, Axis(EVIL), Axis(EVIL), (Curve(EVIL, points),), marked=((1, EVIL),))
    text = page(chart)
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
