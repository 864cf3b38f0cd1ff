"""Source faults that the debt check must notice: patches on a scratch clone, never on the tree itself."""

from pathlib import Path

SOURCE = "certify_stack/erp/finance/service.py"
_MARKER = "\n# {}: handle credit notes\n".format("TODO")
_PRINT = "\n\ndef trace_posting(amount: int) -> int:\n    print(amount)\n    return amount\n"
_COMMENTED = (
    "\n\ndef rounded(amount: int) -> int:\n    # amount = amount * 100\n    # return amount\n    return amount\n"
)


def marker(root: Path) -> Path:
    """Append a comment that says work is left, without an issue; returns the file."""
    return _append(root, _MARKER)


def debug_print(root: Path) -> Path:
    """Append a function that prints; returns the file."""
    return _append(root, _PRINT)


def commented_code(root: Path) -> Path:
    """Append a function with two lines of code in comments; returns the file."""
    return _append(root, _COMMENTED)


def _append(root: Path, text: str) -> Path:
    file = root / SOURCE
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    return file
