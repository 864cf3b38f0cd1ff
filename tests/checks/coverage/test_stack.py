"""One service of the reference stack by its own suite: clean, and with faults in a clone of its source."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

import certify_stack
from certify.api import Criteria, Limit, Outcome, Ruling, Service, Stack
from certify_checks.coverage import CHECK
from certify_checks.coverage.figures import judge_figures
from certify_checks.coverage.model import CoverageConfig
from certify_checks.coverage.passing import judge_passing
from certify_faults.coverage import SERVICE, lost_tests, untested_code, wrong_test

pytestmark = pytest.mark.stack
ROOT = Path(certify_stack.__file__).parents[1]
FIGURES = Criteria({"lines": Limit.parse("> 60 %"), "branches": Limit.parse("> 50 %")})
PASSING = Criteria({"failures": Limit.parse("== 0")})


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The stack's source and the suite of one service."""
    if not (ROOT / "tests").is_dir():
        pytest.skip("the suites lie elsewhere where the stack is installed")
    root = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "certify_stack", root / "certify_stack", ignore=ignored)
    (root / "tests").mkdir()
    for file in (ROOT / "tests").glob("*.*"):
        shutil.copy(file, root / "tests")
    shutil.copytree(ROOT / "tests" / SERVICE, root / "tests" / SERVICE, ignore=ignored)
    return root


@pytest.fixture
def judged(context: Any, clone: Path) -> Any:
    def run() -> tuple[Ruling, Ruling]:
        service = Service(SERVICE, source=(f"certify_stack/erp/{SERVICE}",), tests=f"pytest {clone}/tests/{SERVICE}")
        given = context(Stack((service,)), "coverage", source_root=clone)
        seen = asyncio.run(CHECK.observe(given, CoverageConfig(shared=("certify_stack/kit",))))
        return judge_figures(seen, FIGURES), judge_passing(seen, PASSING)

    return run


def test_the_clean_suite_passes_and_covers(judged: Any):
    figures, passing = judged()
    assert figures.outcome is Outcome.PASS, figures
    assert passing.outcome is Outcome.PASS, passing


def test_untested_code_is_found(judged: Any, clone: Path):
    untested_code(clone)
    figures, passing = judged()
    assert {finding.code for finding in figures.findings} == {"lines-uncovered", "branches-uncovered"}
    assert "erp/crm/service.py" in figures.findings[0].cure
    assert passing.outcome is Outcome.PASS, passing


def test_a_wrong_test_is_found(judged: Any, clone: Path):
    wrong_test(clone)
    _, passing = judged()
    assert [finding.location.file for finding in passing.findings] == ["tests/crm/test_crm.py"]


def test_lost_tests_are_found(judged: Any, clone: Path):
    lost_tests(clone)
    figures, passing = judged()
    assert figures.reason == "no-data"
    assert [finding.code for finding in passing.findings] == ["no-result"]
