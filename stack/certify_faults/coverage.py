"""Source faults that the coverage check must notice: patches on a scratch clone, never on the tree itself."""

from pathlib import Path

SERVICE = "crm"
_WRONG = "\n\ndef test_of_a_wrong_expectation() -> None:\n    assert {'crm'} == {'scm'}\n"
_UNTESTED = "\n\ndef untested(number: int) -> int:\n" + "".join(
    f"    if number == {step}:\n        number += {step}\n" for step in range(2_000)
)


def wrong_test(root: Path) -> Path:
    """Append a test that fails; returns the file."""
    file = _tests(root)
    file.write_text(file.read_text(encoding="utf-8") + _WRONG, encoding="utf-8")
    return file


def lost_tests(root: Path) -> Path:
    """Delete the suite's tests; returns the file that is gone."""
    file = _tests(root)
    file.unlink()
    return file


def untested_code(root: Path) -> Path:
    """Append a long function with as many branches, which no test calls; returns the file."""
    file = root / "certify_stack" / "erp" / SERVICE / "service.py"
    file.write_text(file.read_text(encoding="utf-8") + _UNTESTED, encoding="utf-8")
    return file


def _tests(root: Path) -> Path:
    return root / "tests" / SERVICE / f"test_{SERVICE}.py"
