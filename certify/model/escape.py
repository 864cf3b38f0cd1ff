"""Making hostile text harmless: what comes from services, tools and pull requests passes one of these before it is shown.

`visible` is the first step of all: characters that a reader cannot see, or that steer a terminal or the direction of
writing, become visible escapes. The others add what their format needs. All are pure and total: any string goes in.
"""

import re
import unicodedata
from typing import Final

# Unicode's categories Cc, Cf, Cs, Zl and Zp, and its noncharacters; a test compares with `unicodedata`.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    + "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
# Joiners are part of the spelling of Bengali, Persian and others; behind ASCII they only hide something.
_JOINERS: Final = "\u200c\u200d"
_BREAK: Final = "&#8203;"


def visible(text: str, *, lines: bool = False) -> str:
    r"""`text` with every hidden or steering character as an escape such as `\x1b` or `\u202e`.

    Line feeds and tabs become spaces; `lines` keeps line feeds.
    """

    def shown(found: re.Match[str]) -> str:
        letter = found[0]
        if letter in "\n\t":
            return "\n" if lines and letter == "\n" else " "
        before = text[found.start() - 1 : found.start()]
        if letter in _JOINERS and before > "\x7f" and unicodedata.category(before)[0] in "LMS":
            return letter
        return _escaped(letter)

    text = text.replace("\r\n", "\n")
    return _HIDDEN.sub(shown, text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clip(text: str, length: int) -> str:
    """At most `length` characters of `text`; what is cut off is marked by an ellipsis."""
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def terminal(text: str) -> str:
    """One line for a terminal or a log: no control sequence, and no command to a CI runner that reads the log."""
    # GitHub's runner obeys `::error::` at the start of a line and `##[error]` anywhere in it.
    return re.sub(r"^(\s*):(?=:)", r"\1: ", visible(text)).replace("##[", "## [")


def markdown(text: str) -> str:
    """One line of GitHub Markdown that shows exactly `text`: no markup, no table border, no mention, link or comment."""
    plain = _MARKUP.sub(lambda found: _entity(found[0]) + _BREAK * (found[0] in "#:"), visible(text).strip())
    plain = _NUMBERED.sub(lambda found: found[1] + _entity(found[2]), plain)
    return _AUTOMATIC.sub(lambda found: found[0] + _BREAK, plain)


# Entities, not backslashes: what stands before them cannot undo them, and a table's border is undone by nothing else.
_MARKUP: Final = re.compile(r"[&<>`*~\[\]|\\$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=#:]")
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
# GitHub links these wherever they stand: mentions, issues, addresses. An unseen break takes their shape away.
_AUTOMATIC: Final = re.compile(r"@|(?<!&)#(?=\d)|:(?=//)|www(?=\.)|(?:mailto|xmpp)(?=:)|GH-(?=\d)", re.IGNORECASE)


def _entity(letter: str) -> str:
    return f"&#{ord(letter)};"


def markdown_code(text: str) -> str:
    """`markdown` in the typeface of code. Not a code span: readers disagree on how one escapes a table's border."""
    return f"<code>{markdown(text) or '&#8203;'}</code>"


def comment_marker(profile: str) -> str:
    """The hidden first line by which a pull request's comment about `profile` is found again."""
    return f"<!-- certify:{re.sub(r'[^A-Za-z0-9_]+', '-', profile)[:80].strip('-') or 'profile'} -->"
