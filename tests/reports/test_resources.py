"""What the stack used, in the report: who used most first, unknown where nothing is known, and no name is markup."""

import re
from typing import Any

from msgspec.structs import replace

from certify.api import Resources, Usage
from certify_reports import html
from certify_reports.pictures import sparkline
from certify_reports.resources import view

FULL = Usage("web", 3, 2_000_000, 1 << 20, 10, 20, 30, 40, (5, 10, 0))


def of(*parts: Usage, **more: Any) -> Resources:
    return Resources(parts, samples=3, every_us=2_000_000, cost_us=9_000, span_us=2_000_000, missing="", **more)


def section(page: str) -> str:
    found = re.search(r'<section class="card" aria-labelledby="resources">.*?</section>', page, re.DOTALL)
    assert found
    return found[0]


def test_who_used_most_is_first_and_bars_are_in_proportion():
    seen = view(of(Usage("idle", 3, 500_000, 1 << 19), FULL, Usage("never")))
    assert [row.name for row in seen.rows] == ["web", "idle"]
    assert [row.cpu_bar for row in seen.rows] == [120, 30]
    assert [row.memory_bar for row in seen.rows] == [120, 60]
    assert seen.unseen == ("never",)
    assert (seen.cpu_total, seen.memory_total) == ("2,500 ms", "1.5 MiB")
    assert seen.told == "Looked at 3 times, every 2,000 ms, which cost certify 9 ms of one core in all."


def test_what_is_not_known_is_never_a_nought():
    row, *_ = view(of(Usage("web", 1), FULL)).rows[::-1]
    assert (row.cpu, row.memory, row.network, row.block) == (
        "unknown", "unknown", ("unknown", "unknown"), ("unknown", "unknown"),
    )  # fmt: skip
    assert (row.cpu_bar, row.memory_bar, row.line) == (0.0, 0.0, ())
    assert view(of(Usage("web", 1), FULL)).cpu_total == "unknown"
    # What was measured and is nought is said to be.
    assert view(of(Usage("web", 1, block_read=0))).rows[0].block[0] == "0 B"


def test_a_line_lies_within_its_picture():
    assert sparkline((5, 10, 0)) == ((0.0, 11.0), (60.0, 1.0), (120.0, 21.0))
    for nothing in ((), (7,), (0, 0, 0)):
        assert sparkline(nothing) == ()


def test_the_page_says_all_of_it(sample: Any):
    shown = section(html.REPORT.render(*sample))
    rows = re.findall(r"<tr>.*?</tr>", shown, re.DOTALL)
    assert len(rows) == 3
    assert all(len(re.findall(r"<t[hd]\b", row)) == 11 for row in rows)
    assert "149 MiB" in rows[1]
    assert rows[1].count("unknown") == 2
    assert 'aria-label="kafka: processor time in 3 spans of 7,000 ms, at most 9 us in one"' in rows[1]
    assert "network: unknown, because the kernel counts traffic for no single process." in shown
    assert "Never seen running, so nothing is known: sink." in shown


def test_a_run_without_any_says_why(sample: Any):
    for resources, why in ((Resources(), "nobody looked"), (Resources(missing="<b>gone</b>"), "&lt;b&gt;gone")):
        shown = section(html.REPORT.render(replace(sample.record, resources=resources), *sample[1:]))
        assert f"Not known: {why}" in shown
        assert "<table" not in shown


def test_hostile_names_make_no_markup(sample: Any):
    evil = '<script>alert(1)</script>"&\u202e\x1b[31m'
    resources = of(replace(FULL, name=evil), Usage(evil), unknown={evil: evil})
    shown = section(html.REPORT.render(replace(sample.record, resources=resources), *sample[1:]))
    assert "<script" not in shown
    assert "\u202e" not in shown
    assert shown.count("&lt;script&gt;") >= 4
