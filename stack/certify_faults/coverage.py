"""Source faults that the coverage check must notice: patches on a scratch clone, never on the tree itself."""

from functools import partial
from pathlib import Path
from typing import Any

from certify.api import Fault, FaultKind

SERVICE = "crm"
_WRONG = "\n\ndef test_of_a_wrong_expectation() -> None:\n    assert {'crm'} == {'scm'}\n"
_UNTESTED = "\n\ndef untested(number: int) -> int:\n" + "".join(
    f"    if number == {step}:\n        number += {step}\n" for step in range(2_000)
)


def wrong_test(root: Path, service: str = SERVICE) -> Path:
    """Append a test that fails; returns the file."""
    file = _tests(root, service)
    file.write_text(file.read_text(encoding="utf-8") + _WRONG, encoding="utf-8")
    return file


def lost_tests(root: Path, service: str = SERVICE) -> Path:
    """Delete the suite's tests; returns the file that is gone."""
    file = _tests(root, service)
    file.unlink()
    return file


def untested_code(root: Path, service: str = SERVICE) -> Path:
    """Append a long function with as many branches, which no test calls; returns the file."""
    file = root / "certify_stack" / "erp" / service / "service.py"
    file.write_text(file.read_text(encoding="utf-8") + _UNTESTED, encoding="utf-8")
    return file


def _tests(root: Path, service: str) -> Path:
    name = f"test_{service}.py"
    places = (root / "tests" / service / name, root / "certify_stack" / "_suites" / service / name)
    return next((place for place in places if place.is_file()), places[0])


# What services share is held against the suites of all of them, and here only a few run.
_OWN_SOURCE: dict[str, dict[str, Any]] = {"coverage": {"shared": []}}
# Each in a service of its own, so that they share one copy of the source.
FAULTS = (
    Fault(
        name="suite-with-a-wrong-test",
        kind=FaultKind.PATCH,
        breaks="one test of the service's suite fails",
        caught_by=("coverage.suites-pass",),
        target="crm",
        patch=partial(wrong_test, service="crm"),
        options=_OWN_SOURCE,
    ),
    Fault(
        name="suite-lost",
        kind=FaultKind.PATCH,
        breaks="the service's suite has no test any more",
        caught_by=("coverage.suites-pass",),
        target="hr",
        patch=partial(lost_tests, service="hr"),
        options=_OWN_SOURCE,
    ),
    Fault(
        name="untested-code",
        kind=FaultKind.PATCH,
        breaks="most of the service's code is run by no test",
        caught_by=("coverage.lines-branches",),
        target="scm",
        patch=partial(untested_code, service="scm"),
        options=_OWN_SOURCE,
    ),
)
