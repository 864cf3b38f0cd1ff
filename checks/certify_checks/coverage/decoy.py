"""A suite of our own with known results and known figures, run and measured like every other."""

from pathlib import Path

from certify.api import Ruling, Service
from certify_checks.coverage.model import CoverageObservation

_SOURCE = """
def sign(number):
    if number < 0:
        return -1
    return 1
"""
_TESTS = """
import pytest
from sample import sign

def test_passes():
    assert sign(1) == 1

def test_passes_too():
    assert sign(2) == 1

def test_fails():
    assert sign(3) == 3

@pytest.mark.skip(reason="known")
def test_is_skipped():
    assert sign(-1) == -1

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    assert sign(4) == 4
"""
# tests, skipped, expected failures, failures; lines, of them covered; branches, of them covered
_KNOWN = (5, 1, 1, 1, 4, 3, 2, 1)


def write_decoy(root: Path) -> Service:
    """Write the package and its suite, and give the service that stands for them."""
    for path, text in (("sample/__init__.py", _SOURCE), ("suite/test_sample.py", _TESTS)):
        file = root / path
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return Service("decoy", source=("sample",), tests="pytest suite")


def blind(seen: CoverageObservation) -> Ruling | None:
    """Say that it cannot be told when the known suite gave other figures than it must."""
    run = seen.decoy
    figures = run.total if run else None
    if run and figures:
        counted = (run.tests, run.skipped, run.xfailed, len(run.troubles))
        measured = (figures.lines, figures.lines_covered, figures.branches, figures.branches_covered)
        if (*counted, *measured) == _KNOWN:
            return None
        told = f"a suite with known figures {_KNOWN} was measured as {(*counted, *measured)}"
    else:
        told = f"a suite with known figures gave none: {run.problem if run else 'it was not run'}"
    return Ruling.inconclusive("sensor-blind", told, cure="run `certify doctor`; is another coverage tool at work?")
