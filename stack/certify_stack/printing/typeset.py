"""A template of typst and its data become a PDF, with the font that comes with the package and none of the machine."""

import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

FONTS = Path(__file__).parent / "fonts"
FAMILY = "Noto Sans Bengali"
SECONDS = 60.0
# Each takes a core and up to 60 MB; whoever asks for a hundred at once gets them one after the other.
AT_ONCE = 2
_turns = threading.BoundedSemaphore(AT_ONCE)
_TYPESETTER = Path(__file__).parent / "typesetter.py"
_CURE = (
    f"see that {FONTS} holds its fonts and that typst is installed: install the package anew, its build sees to both"
)


class PrintingError(RuntimeError):
    """There is no document; the message says why, and what to do."""


def pdf_of(template: Path, data: Any, moment: datetime) -> bytes:
    """Return the PDF (A-2b, so that it holds its fonts) of a template; call it in a thread, it takes some 0.2 s.

    A character that the font lacks is a box, and the document is a plain PDF.

    The template reads ``data`` by ``json(bytes(sys.inputs.data))``. It is never part of the markup, so nothing that people
    wrote is taken for an instruction. The same data make the same bytes.

    Args:
        template: The file of the template; nothing outside of its folder can be read by it.
        data: What msgspec can write as JSON.
        moment: What the document says of when it was made.

    Raises:
        PrintingError: The fonts or the library are missing, the template does not fit to the data, or it took too long.
    """
    asked = {
        "template": str(template),
        "root": str(template.parent),
        "fonts": str(FONTS),
        "family": FAMILY,
        "data": msgspec.json.encode(data).decode(),
        "timestamp": int(moment.timestamp()),
    }
    command = [sys.executable, "-I", str(_TYPESETTER)]
    try:
        with _turns:
            done = subprocess.run(
                command, input=msgspec.json.encode(asked), capture_output=True, timeout=SECONDS, check=False
            )
    except subprocess.TimeoutExpired as error:
        raise PrintingError(f"{template.name} was not printed within {SECONDS:g} s; print fewer rows") from error
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        why = done.stderr.decode(errors="replace").strip()[-500:] or f"exit code {done.returncode}"
        raise PrintingError(f"{template.name} cannot be printed: {why}; {_CURE}")
    return done.stdout
