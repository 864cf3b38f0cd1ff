"""A network in the report: everything in it is drawn and written, and no name is markup."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Network, Part, Record, Way
from certify_reports import html
from certify_reports.network import GLANCE, draw, view

EVIL = '<script>alert(1)</script>"&\u202e\x1b[31m' + "long " * 20


def circle(count: int) -> Network:
    parts = tuple(Part(f"part {number}", (f"E{number} (id)",)) for number in range(count))
    ways = tuple(Way(f"part {number}", f"part {(number + 1) % count}", (f"E{number}.next",)) for number in range(count))
    return Network(f"{count} parts", parts, ways)


def test_all_parts_and_ways_are_drawn_within_the_picture():
    drawing = draw(circle(18))
    assert len(drawing.dots) == len(drawing.lines) == 18
    assert all(0 < dot.x < drawing.width and 0 < dot.y < drawing.height for dot in drawing.dots)
    assert {dot.anchor for dot in drawing.dots} == {"start", "middle", "end"}


@pytest.mark.parametrize("count", [2, 18, GLANCE, GLANCE + 1, 200])
def test_no_name_lies_on_another(count: int):
    places = [(dot.text_x, dot.text_y) for dot in draw(circle(count)).dots]
    assert min(math.dist(one, other) for one in places for other in places if one != other) > 13


def test_a_part_is_larger_for_more_who_refer_to_it_and_a_line_thicker_for_more_fields():
    ways = (Way("a", "c", ("x", "y", "z", "w")), Way("b", "c", ("x",)))
    drawing = draw(Network("", (Part("a"), Part("b"), Part("c")), ways))
    sizes = {dot.name: dot.radius for dot in drawing.dots}
    assert sizes["c"] > sizes["a"] == sizes["b"]
    assert drawing.lines[0].width > drawing.lines[1].width


def test_what_leads_nowhere_and_what_is_told_twice_breaks_nothing():
    drawing = draw(Network("", (Part("a"), Part("a")), (Way("a", "nobody"), Way("a", "a"))))
    assert (len(drawing.dots), drawing.lines) == (1, ())
    assert draw(Network("", ())).dots == ()


def test_what_has_no_room_is_counted_and_not_drawn():
    seen = view("X", circle(30), 10)
    assert (len(seen.rows), seen.rows_left, seen.drawing) == (10, 20, None)


@pytest.fixture
def page(sample: Any) -> Callable[[Network], str]:
    """The report of a run in which one rule, or each of two, gave a network."""

    def render(network: Network) -> str:
        record: Record = sample.record
        told = replace(record.controls[0].rulings[0], networks=(network,))
        controls = tuple(replace(control, rulings=(told,)) for control in record.controls[:2])
        return html.render(replace(record, controls=controls), sample.decision, sample.context)

    return render


def test_the_page_has_picture_and_table_once(page: Callable[[Network], str]):
    text = page(circle(3))
    assert text.count('<svg class="network"') == 1
    assert text.count('class="way"') == 3
    assert "E2.next" in text
    assert text.index('<svg class="network"') < text.index("The same as a table")


def test_with_many_parts_the_table_leads(page: Callable[[Network], str]):
    text = page(circle(200))
    assert text.index("E199.next") < text.index("The same as a picture") < text.index('<svg class="network"')


def test_hostile_names_stay_text(page: Callable[[Network], str]):
    text = page(Network(EVIL, (Part(EVIL, (EVIL,)), Part("b")), (Way(EVIL, "b", (EVIL,)),)))
    assert "<script" not in text
    assert not re.search("[\u202e\x1b]", text)
    assert "&lt;script&gt;" in text
