"""Source faults that the debt check must notice: patches on a scratch clone, never on the tree itself."""

from functools import partial
from pathlib import Path

from certify.api import Fault, FaultKind

SERVICE = "finance"
_MARKER = "\n# {}: handle credit notes\n".format("TODO")
_PRINT = "\n\ndef trace_posting(amount: int) -> int:\n    print(amount)\n    return amount\n"
_COMMENTED = (
    "\n\ndef rounded(amount: int) -> int:\n    # amount = amount * 100\n    # return amount\n    return amount\n"
)


def marker(root: Path, service: str = SERVICE) -> Path:
    """Append a comment that says work is left, without an issue; returns the file."""
    return _append(root, service, _MARKER)


def debug_print(root: Path, service: str = SERVICE) -> Path:
    """Append a function that prints; returns the file."""
    return _append(root, service, _PRINT)


def commented_code(root: Path, service: str = SERVICE) -> Path:
    """Append a function with two lines of code in comments; returns the file."""
    return _append(root, service, _COMMENTED)


def _append(root: Path, service: str, text: str) -> Path:
    file = root / "certify_stack" / "erp" / service / "service.py"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    return file


FAULTS = (
    Fault(
        name="unfinished-work-marked",
        kind=FaultKind.PATCH,
        breaks="a comment says that work is left, without an issue",
        caught_by=("debt.markers",),
        target="crm",
        patch=partial(marker, service="crm"),
    ),
    Fault(
        name="debug-output",
        kind=FaultKind.PATCH,
        breaks="a function of the service prints",
        caught_by=("debt.debug-output",),
        target="hr",
        patch=partial(debug_print, service="hr"),
    ),
    Fault(
        name="code-in-comments",
        kind=FaultKind.PATCH,
        breaks="two lines of code are left in comments",
        caught_by=("debt.commented-code",),
        target="scm",
        patch=partial(commented_code, service="scm"),
    ),
)
