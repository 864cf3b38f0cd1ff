"""One document, in a process of its own: JSON on standard input, the PDF on standard output.

Typst keeps what it has computed, up to hundreds of megabytes; that goes with the process, and so does whatever a document
may do to it. It is run as a file, alone: nothing of the stack is imported here.
"""

import json
import os
import resource
import sys
from typing import Any, Literal

import typst

# So that nothing of it outlives whoever asked, however that ended, nor takes the machine's memory.
MOST_SECONDS = 60
# Whoever waits for an answer goes first: a document takes a core for longer than most answers take.
YIELDS = 10
MOST_BYTES = 2 << 30


def main() -> int:
    """Read what is wanted, write the PDF; returns the exit code."""
    os.nice(YIELDS)
    _bound(resource.RLIMIT_CPU, MOST_SECONDS)
    # Not of addresses: on a machine of many cores, its threads reserve far more than they use.
    _bound(resource.RLIMIT_DATA, MOST_BYTES)
    asked = json.load(sys.stdin.buffer)
    # Without the machine's fonts, so that a document looks the same everywhere.
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[asked["fonts"]])
    if asked["family"] not in fonts.families():
        sys.stderr.write(f"the font {asked['family']} is not in {asked['fonts']}")
        return 1
    try:
        made = _archived_or_plain(asked, fonts)
    except typst.TypstError as error:
        sys.stderr.write(f"{error.message} {' '.join(error.trace)}")
        return 1
    sys.stdout.buffer.write(made)
    return 0


def _bound(what: int, most: int) -> None:
    _, highest = resource.getrlimit(what)
    most = most if highest == resource.RLIM_INFINITY else min(most, highest)
    resource.setrlimit(what, (most, most))


def _archived_or_plain(asked: Any, fonts: typst.Fonts) -> bytes:
    """Return a PDF/A. That has no room for a character that the font lacks; a plain PDF shows a box instead."""
    try:
        return _made(asked, fonts, "a-2b")
    except typst.TypstError:
        return _made(asked, fonts, "1.7")


def _made(asked: Any, fonts: typst.Fonts, standard: Literal["a-2b", "1.7"]) -> bytes:
    made: bytes = typst.compile(
        asked["template"],
        root=asked["root"],
        font_paths=fonts,
        sys_inputs={"data": asked["data"]},
        pdf_standards=standard,
        timestamp=asked["timestamp"],
        # Tags would make a long table twenty times as large.
        pdf_tags=False,
    )
    return made


if __name__ == "__main__":
    sys.exit(main())
