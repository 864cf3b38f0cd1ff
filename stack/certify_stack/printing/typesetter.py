"""One document, in a process of its own: JSON on standard input, the PDF on standard output.

Typst keeps what it has computed, up to hundreds of megabytes; that goes with the process, and so does whatever a document
may do to it. It is run as a file, alone: nothing of the stack is imported here.
"""

import json
import sys

import typst


def main() -> int:
    """Read what is wanted, write the PDF; returns the exit code."""
    asked = json.load(sys.stdin.buffer)
    # Without the machine's fonts, so that a document looks the same everywhere.
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[asked["fonts"]])
    if asked["family"] not in fonts.families():
        sys.stderr.write(f"the font {asked['family']} is not in {asked['fonts']}")
        return 1
    try:
        made = typst.compile(
            asked["template"],
            root=asked["root"],
            font_paths=fonts,
            sys_inputs={"data": asked["data"]},
            pdf_standards="a-2b",
            timestamp=asked["timestamp"],
            # Tags would make a long table twenty times as large.
            pdf_tags=False,
        )
    except typst.TypstError as error:
        sys.stderr.write(f"{error.message} {' '.join(error.trace)}")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
