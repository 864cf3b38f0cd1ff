"""Tests of our own with known results; they run in the same processes as the scenarios."""

from pathlib import Path

from certify_checks.scenario.model import ScenarioObservation

PREFIX = "certify-decoy-"
_KNOWN = {"passes": "passed", "fails": "failed", "breaks": "error", "skips": "skipped"}
_TESTS = f"""
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("known")

@pytest.mark.scenario("{PREFIX}passes")
def test_passes(stack, eventually):
    assert eventually(lambda: stack is not None)

@pytest.mark.scenario("{PREFIX}fails")
def test_fails(eventually):
    eventually(lambda: None, within=0.1, what="what never comes")

@pytest.mark.scenario("{PREFIX}breaks")
def test_breaks(broken):
    pass

@pytest.mark.scenario("{PREFIX}skips")
@pytest.mark.skip(reason="known")
def test_skips():
    pass
"""


def write_decoys(folder: Path) -> Path:
    """Write the decoys; the file's name is like no other's."""
    folder.mkdir(parents=True)
    file = folder / "test_certify_decoys.py"
    file.write_text(_TESTS, encoding="utf-8")
    return file


def misjudged(seen: ScenarioObservation) -> str:
    """Which decoys did not end as they must; empty when all did."""
    ended = {name.removeprefix(PREFIX): decoy.outcome for decoy in seen.decoys for name in decoy.scenarios}
    wrong = [f"{name} is {ended.get(name, 'absent')}" for name, known in _KNOWN.items() if ended.get(name) != known]
    return ", ".join(wrong)
