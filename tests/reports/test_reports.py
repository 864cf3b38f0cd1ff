"""All formats: complete, bounded, and harmless with hostile text in every field."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt

from certify.api import SCHEMAS, ControlDecision, Mode, Outcome, Verdict
from certify_reports import html, junit, markdown
from certify_reports.delta import delta
from certify_reports.fit import Detail, fit, utf8_size
from certify_reports.schemas import path_of, text_of
from certify_reports.words import ORDER, SYMBOLS, VERDICTS

ATTACK = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    "</style></details><!-- certify:finance -->|@everyone #1 [x](javascript:1) `code` **b**\n\n# head\n\x1b[31m\u202e\x00\ud800"
)
RENDERERS = {"html": html.render, "md": markdown.render_comment, "summary": markdown.render_summary}
RENDERERS |= {"junit": junit.render}


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


@pytest.mark.parametrize("name", RENDERERS)
def test_every_report_says_verdict_reason_and_every_blocker(name: str, sample: Any):
    text = RENDERERS[name](*sample)
    plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text).replace("&lt;", "<")
    assert "NOT CERTIFIED" in plain
    assert sample.decision.reason in plain
    for blocker in sample.decision.blockers:
        if blocker.outcome is not Outcome.UNIMPLEMENTED:
            assert blocker.id in plain
            assert blocker.cure in plain
            assert blocker.origin in plain
    assert "431 ms [420 ms, 442 ms] not < 300 ms (profiles/finance.yaml:37)" in plain


@pytest.mark.parametrize("name", ["html", "md", "summary"])
def test_what_was_tested_and_every_weakening_are_said(name: str, sample: Any):
    text = RENDERERS[name](*sample)
    assert "reference stack" in text
    for part in sample.record.release.components:
        assert part.name in text
        assert part.status in text
    for entry in sample.record.ledger:
        assert entry.kind in text
    assert sample.record.release.components[0].commit[:12] in text
    assert "certify verify certification" in text
    assert "pending" in text
    assert "FIN-DEBT-01" in text


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("name", RENDERERS)
def test_every_verdict_is_written_out(name: str, verdict: Verdict, sample: Any):
    decision = msgspec.structs.replace(sample.decision, verdict=verdict, reference=False)
    text = RENDERERS[name](sample.record, decision, sample.context)
    assert verdict.value in text
    if name != "junit":
        assert VERDICTS[verdict][1] in text


@pytest.mark.parametrize("name", RENDERERS)
def test_same_input_same_bytes(name: str, sample: Any):
    assert RENDERERS[name](*sample) == RENDERERS[name](*sample)


def test_every_outcome_has_a_symbol_of_its_own():
    assert set(ORDER) == set(Outcome)
    assert len(set(SYMBOLS.values())) == len(Outcome)
    assert set(VERDICTS) == set(Verdict)


# HTML


def test_page_is_one_file_without_scripts_and_its_policy_allows_only_its_style(sample: Any):
    page = Page(html.render(*sample))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "img", "form", "base", "audio", "video"}
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not page.values("style")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_style_hash_is_the_hash_of_the_style(sample: Any):
    import base64
    import hashlib

    source = html.render(*sample)
    style = source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in source
    assert "http" not in style


def test_every_link_has_its_target_and_ids_are_unique(sample: Any):
    page = Page(html.render(*sample))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href.removeprefix("#") for href in page.values("href")} <= set(ids)
    assert {name for value in page.values("aria-labelledby") for name in value.split()} <= set(ids)


def test_every_picture_says_what_it_shows(sample: Any):
    pictures = [attributes for tag, attributes in Page(html.render(*sample)).tags if tag == "svg"]
    assert pictures
    assert all(picture.get("aria-label") or picture.get("aria-hidden") == "true" for picture in pictures)


def test_no_meaning_by_colour_alone(sample: Any):
    source = html.render(*sample)
    for outcome in {control.outcome for control in sample.decision.controls}:
        said = source.count(f'<i aria-hidden="true">{SYMBOLS[outcome]}</i> {outcome.value}</span>')
        assert said >= sum(control.outcome is outcome for control in sample.decision.controls)


def test_hostile_text_makes_no_markup_in_html(poisoned: Callable[[str], Any], sample: Any):
    source = html.render(*poisoned(ATTACK))
    page, plain = Page(source), Page(html.render(*sample))
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert {name for _, attributes in page.tags for name in attributes} == {
        name for _, attributes in plain.tags for name in attributes
    }
    assert source.count("<style>") == source.count("</style>") == 1
    assert all(href.startswith("#") for href in page.values("href"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", source)
    assert "<!-- " not in source
    source.encode()


# Markdown


def test_comment_begins_with_the_marker_and_holds_no_other(poisoned: Callable[[str], Any], sample: Any):
    assert markdown.render_comment(*sample).splitlines()[0] == "<!-- certify:finance -->"
    text = markdown.render_comment(*poisoned(ATTACK))
    assert text.count("<!--") == text.count("-->") == 1


@pytest.mark.parametrize("name", ["md", "summary"])
def test_hostile_text_makes_no_markup_in_markdown(name: str, poisoned: Callable[[str], Any]):
    text = RENDERERS[name](*poisoned(ATTACK))
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    inline = [child for token in tokens for child in token.children or []]
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert not {child.type for child in inline} & {"link_open", "image", "code_inline", "s_open"}
    assert {child.content for child in inline if child.type == "html_inline"} == {"<code>", "</code>"}
    assert set(re.findall(r"</?(\w+)", "".join(blocks))) <= {"details", "summary"}
    assert len([token for token in tokens if token.type == "heading_open"]) == text.count("\n#") + text.startswith("#")
    assert not re.search(r"@\w|(?<!&)#\d", text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize("name", ["md", "summary"])
def test_tables_have_as_many_cells_as_heads(name: str, poisoned: Callable[[str], Any]):
    text = RENDERERS[name](*poisoned(ATTACK))
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    heads = cells = 0
    for token in tokens:
        if token.type == "table_open":
            heads = 0
        heads += token.type == "th_open"
        if token.type == "tr_open":
            cells = 0
        cells += token.type == "td_open"
        if token.type == "tr_close" and cells:
            assert cells == heads
    assert any(token.type == "td_open" for token in tokens)


# Sizes


def many(sample: Any, count: int, text: str) -> tuple[Any, Any, Any]:
    """A run of `count` controls, all failing, with long texts."""
    pattern = next(control for control in sample.record.controls if len(control.findings) > 5)
    controls = tuple(
        msgspec.structs.replace(
            pattern, id=f"BIG-{number // 10}-{number}", title=text, reason=text, outcome=Outcome.FAIL
        )
        for number in range(count)
    )
    record = msgspec.structs.replace(sample.record, controls=controls, ledger=sample.record.ledger * count)
    blocker = sample.decision.blockers[0]
    decision = msgspec.structs.replace(
        sample.decision,
        reason=text,
        controls=tuple(ControlDecision(control.id, control.outcome) for control in controls),
        blockers=tuple(msgspec.structs.replace(blocker, id=control.id, cause=text, cure=text) for control in controls),
        waivers=sample.decision.waivers * count,
    )
    return record, decision, sample.context


@pytest.mark.parametrize(
    ("name", "size", "limit"),
    [("html", utf8_size, 2_000_000), ("md", len, 60_000), ("summary", utf8_size, 900 * 1024)],
)
def test_a_huge_run_is_cut_and_says_so(name: str, size: Callable[[str], int], limit: int, sample: Any):
    text = RENDERERS[name](*many(sample, 400, "ক" * 1_500))
    assert limit / 20 < size(text) <= limit
    assert "more blockers in record.json" in text
    assert "400 controls" in text
    assert text.endswith("\n")


def test_what_cannot_fit_is_an_error_not_a_cut():
    with pytest.raises(ValueError, match="longer"):
        fit(lambda detail: "x" * (detail.text + 10), len, 5)
    assert fit(lambda detail: "x" * detail.text, len, 200) == "x" * 200
    assert Detail(0, 1, 20).rows == 1


# JUnit


def cases(text: str) -> dict[str, ET.Element]:
    root = ET.fromstring(text)  # noqa: S314 - our own output
    return {case.attrib["name"]: case for case in root.iter("testcase")}


def colour(case: ET.Element) -> str:
    return next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "green")


def test_junit_is_green_for_nothing_but_a_pass(sample: Any):
    found = cases(junit.render(*sample))
    assert len(found) == len(sample.decision.controls) + 1
    wanted = {Outcome.PASS: "green", Outcome.FAIL: "failure", Outcome.INCONCLUSIVE: "error"}
    for control in sample.decision.controls:
        case = next(case for name, case in found.items() if name.startswith(f"{control.id} "))
        assert colour(case) == wanted.get(control.outcome, "skipped")
        assert case.attrib["classname"].startswith("certify.finance.FIN-")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_in_junit(outcome: Outcome, sample: Any):
    decided = (ControlDecision("FIN-LOAD-01", outcome),)
    decision = msgspec.structs.replace(sample.decision, controls=decided)
    case = next(c for n, c in cases(junit.render(sample.record, decision, sample.context)).items() if n != "verdict")
    blocked = {Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.BLOCKED}
    wanted = "error" if outcome in blocked else {"pass": "green", "fail": "failure"}.get(outcome, "skipped")
    assert colour(case) == wanted


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_a_case_that_only_certified_passes(verdict: Verdict, certified: Any):
    decision = msgspec.structs.replace(certified.decision, verdict=verdict)
    text = junit.render(certified.record, decision, certified.context)
    assert (colour(cases(text)["verdict"]) == "green") == (verdict.exit_code == 0)
    assert f'<property name="verdict" value="{verdict.value}"' in text


def test_junit_counts_agree_and_names_are_unique(poisoned: Callable[[str], Any], sample: Any):
    twice = sample.record.controls[0]
    record = msgspec.structs.replace(sample.record, controls=(*sample.record.controls, twice))
    decision = msgspec.structs.replace(
        sample.decision, controls=(*sample.decision.controls, ControlDecision(twice.id, Outcome.PASS))
    )
    for run in (poisoned(ATTACK), sample._replace(record=record, decision=decision)):
        root = ET.fromstring(junit.render(*run))  # noqa: S314 - our own output
        all_cases = list(root.iter("testcase"))
        names = [(case.attrib["classname"], case.attrib["name"]) for case in all_cases]
        assert len(names) == len(set(names))
        assert int(root.attrib["tests"]) == len(all_cases)
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(root.attrib[kind]) == len(list(root.iter(tag)))


def test_a_huge_junit_leaves_no_control_out(sample: Any):
    assert len(cases(junit.render(*many(sample, 3_000, "x")))) == 3_001


# Delta


def test_delta_sorts_changes_by_what_they_mean(sample: Any):
    changes = delta(sample.decision)
    assert {change.id for change in changes.worse} == {"FIN-INT-04", "FIN-LOAD-01", "FIN-SEC-08", "FIN-DEBT-01"}
    assert [change.id for change in changes.better] == ["FIN-COV-03"]
    assert [change.id for change in changes.removed] == ["FIN-OLD-01"]
    assert "FIN-GQL-02" in {change.id for change in changes.added}
    assert delta(msgspec.structs.replace(sample.decision, previous=None)).groups == ()


# Schemas


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schema_is_the_generated_one(name: str):
    assert path_of(name).read_text(encoding="utf-8") == text_of(name), "run: python -m certify_reports.schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_documents_validate_and_damaged_ones_do_not(name: str, sample: Any):
    validator = jsonschema.Draft202012Validator(json.loads(path_of(name).read_text(encoding="utf-8")))
    document = json.loads(msgspec.json.encode(getattr(sample, name)))
    validator.validate(document)
    for change in ({"runId": 7}, {"controls": [{"id": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**document, **change})
    del document["profile"]
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document)


def test_a_decision_about_an_unknown_control_is_shown(sample: Any):
    decision = msgspec.structs.replace(sample.decision, controls=(ControlDecision("GHOST-1", Outcome.FAIL),))
    for render in RENDERERS.values():
        assert "GHOST-1" in render(sample.record, decision, sample.context)
    assert Mode.BLOCK.value in html.render(sample.record, decision, sample.context)


def test_what_nobody_looked_at_is_named_even_when_worse_stands_in_the_way(sample: Any):
    """The decision lists only what decides the verdict; a reader must still see what the profile asked and nobody did."""
    kept = tuple(b for b in sample.decision.blockers if b.outcome is Outcome.FAIL)
    decision = msgspec.structs.replace(sample.decision, blockers=kept)
    for render in (html.render, markdown.render_comment, markdown.render_summary):
        head = render(sample.record, decision, sample.context).partition("<details")[0]
        assert "unimplemented" in head
        assert "FIN-BIZ-20" in head
