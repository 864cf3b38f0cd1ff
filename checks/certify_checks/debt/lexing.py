"""Source text as tokens (Pygments): markers in comments, debug output in JavaScript and TypeScript."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, String, _TokenType
from pygments.util import ClassNotFound

from certify_checks.debt.seen import Spot

# Prose and data: what looks like a comment there is no comment of a programmer, or there are none.
_NO_SOURCE = {"Text only", "Markdown", "reStructuredText", "JSON", "JSON-LD", "HTML", "XML", "CSV", "Diff"}
SCRIPTS = {"JavaScript", "TypeScript", "JSX", "TSX"}


@lru_cache(maxsize=256)
def _by_suffix(name: str) -> Lexer | None:
    try:
        found = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return None if found.name in _NO_SOURCE else found


def _is(kind: _TokenType, group: _TokenType) -> bool:
    return kind[: len(group)] == group


def lexer_for(file: str) -> Lexer | None:
    """The lexer of a file by its name; None when it is no source."""
    name = file.rsplit("/", 1)[-1]
    suffix = name.rsplit(".", 1)[-1] if "." in name else ""
    return _by_suffix(f"x.{suffix}" if suffix else name)


def marker_pattern(words: Sequence[str]) -> re.Pattern[str]:
    """The words as they stand, and in any case when a colon or a parenthesis follows."""
    any_word = "|".join(map(re.escape, words))
    return re.compile(rf"\b(?:{any_word})\b|\b(?i:{any_word})\b(?=\s*[:(])")


def markers(lexer: Lexer, text: str, wanted: re.Pattern[str], reference: re.Pattern[str]) -> Iterator[Spot]:
    """Markers without a reference in comments and in doc strings; service and file are the caller's to add."""
    for line, column, kind, value in _lines(lexer, text):
        if not _is(kind, String.Doc) and (not _is(kind, Comment) or _is(kind, Comment.Preproc)):
            continue
        for found in wanted.finditer(value):
            if not reference.search(value):
                yield Spot("", "", line, column + found.start(), found[0].upper(), value.strip()[:200])


def _lines(lexer: Lexer, text: str) -> Iterator[tuple[int, int, _TokenType, str]]:
    """Tokens cut at line ends: (line, column, kind, text), line and column from 1."""
    line, column = 1, 1
    for kind, value in lexer.get_tokens(text):
        for index, part in enumerate(value.split("\n")):
            if index:
                line, column = line + 1, 1
            if part:
                yield line, column, kind, part
            column += len(part)


def script_debug(lexer: Lexer, text: str, methods: Sequence[str]) -> Iterator[Spot]:
    """`console.log(...)` and its like, and `debugger`, outside of strings and comments."""
    source = text.split("\n")
    window: list[tuple[int, int, _TokenType, str]] = []
    for token in _lines(lexer, text):
        line, column, kind, value = token
        if not value.strip() or _is(kind, Comment):
            continue
        window = [*window[-2:], token]
        if _is(kind, Keyword) and value == "debugger":
            yield Spot("", "", line, column, "debugger", source[line - 1].strip()[:200])
        elif [one[3] for one in window[:-1]] == ["console", "."] and value in methods and _is(window[0][2], Name):
            first = window[0]
            yield Spot("", "", first[0], first[1], f"console.{value}", source[first[0] - 1].strip()[:200])
