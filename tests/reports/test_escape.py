"""Properties of the escapes: whatever text comes in, what a reader's program makes of it is that text and nothing else."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from certify.api import clip, comment_marker, markdown, markdown_code, terminal, visible

ATTACKS = (
    *("\x1b[31m", "\u202e", "<!-- certify:x -->", "@bob", "#12", "GH-3", "https://x.y", "www.x.y", "`", "``", "|"),
    *("[a](b)", "![a](b)", "&amp;", "&#35;1", "<b>", "**", "__", "~~~", "1. ", "- ", "# ", "> ", "\n", "\r\n", "\t"),
    *("::error::", "##[group]", "\u200d", "ক্\u200dষ", "\ud800", "\x7f", "\x9b", "\ufeff", "\u2028", "|---|", "\\"),
)
PIECES = st.sampled_from(ATTACKS)
HOSTILE = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join)
FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"


def test_the_hidden_characters_are_all_of_unicodes():
    letters = map(chr, range(sys.maxunicode + 1))
    hidden = {c for c in letters if unicodedata.category(c) in FORBIDDEN and c not in "\n\t"}
    assert not [c for c in hidden if visible(c) == c]


@given(HOSTILE)
def test_visible_leaves_nothing_hidden(text: str):
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in FORBIDDEN and c not in JOINERS]
    assert visible(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "\\x1b[2J"), ("a\u202eb", "a\\u202eb"), ("\ud800", "\\ud800"), ("a\u200db", "a\\u200db")],
)
def test_visible_shows_what_was_hidden(text: str, shown: str):
    assert visible(text) == shown


def test_visible_keeps_the_joiners_that_scripts_need():
    assert visible("ক্\u200dষ") == "ক্\u200dষ"


def test_visible_keeps_lines_only_when_asked():
    assert visible("a\r\nb\tc") == "a b c"
    assert visible("a\r\nb", lines=True) == "a\nb"


@given(HOSTILE)
@example("::set-output name=x::y")
@example("  ::error::x")
@example("##[error]x")
def test_terminal_is_one_line_that_commands_nobody(text: str):
    shown = terminal(text)
    assert "\n" not in shown
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


@given(st.text(), st.integers(0, 40))
def test_clip_is_never_longer(text: str, length: int):
    assert len(clip(text, length)) <= max(length, 1)


def inline_text(source: str) -> tuple[str, set[str]]:
    """What a reader sees of one paragraph, and the kinds of markup in it."""
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(source)
    kinds = {token.type for token in tokens}
    text = ""
    for token in tokens:
        for child in token.children or []:
            kinds.add(child.type)
            text += child.content
    return text, kinds


def expected(text: str) -> str:
    return visible(text).strip()


@given(HOSTILE)
@example("_a_ __b__ a_b_c")
@example("1) x")
@example("=====")
@example("&lt;script>")
def test_markdown_shows_exactly_the_text_and_no_markup(text: str):
    seen, kinds = inline_text(f"{markdown(text)}\n")
    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}
    assert " ".join(seen.replace("\u200b", "").split()) == " ".join(expected(text).split())


@given(HOSTILE)
def test_markdown_stays_within_its_cell(text: str):
    table = f"| a | b |\n|---|---|\n| {markdown(text)} | {markdown_code(text)} |\n\nafter\n"
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(table)
    assert [token.type for token in tokens].count("td_open") == 2
    assert [token.content for token in tokens if token.type == "inline"][-1] == "after"
    tags = [child.content for token in tokens for child in token.children or [] if child.type == "html_inline"]
    assert tags == ["<code>", "</code>"]


@given(HOSTILE)
@example("#12")
@example("://x")
def test_markdown_calls_nobody_and_links_nothing(text: str):
    for shown in (markdown(text), markdown_code(text)):
        plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), shown)
        assert not re.search(r"@\w|#\d|GH-\d|://|www\.", plain, re.IGNORECASE)
        assert "<!--" not in shown


@given(st.text())
@example("x --> <script>")
def test_the_marker_is_one_closed_comment(profile: str):
    assert re.fullmatch(r"<!-- certify:[A-Za-z0-9_-]+ -->", comment_marker(profile))
