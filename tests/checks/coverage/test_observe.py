"""The coverage check on real suites."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Limit, Outcome, Service, Stack
from certify_checks.coverage import CHECK
from certify_checks.coverage.decoy import blind
from certify_checks.coverage.figures import judge_figures, seed_figures
from certify_checks.coverage.model import CoverageConfig, CoverageObservation, Figures
from certify_checks.coverage.passing import judge_passing, seed_passing
from certify_checks.coverage.suite import pytest_arguments

LIMITS = Criteria({"lines": Limit.parse("> 70 %"), "branches": Limit.parse("> 40 %")})
NONE = Criteria({"failures": Limit.parse("== 0")})
SHOP = "def price(kind):\n    if kind == 'book':\n        return 7\n    return 5\n"
SHARED = "def unused():\n    return 1\n"
TEST = "from shop import price\nimport kit\n\ndef test_price():\n    assert price('book') == {expected}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for path, text in (
        ("shop/__init__.py", SHOP),
        ("kit/__init__.py", SHARED),
        ("suites/shop/test_shop.py", TEST.format(expected=7)),
        ("suites/pytest.ini", "[pytest]\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "scratch").mkdir()
    return root


def look(
    tree: Path,
    *,
    config: CoverageConfig | None = None,
    more: tuple[Service, ...] = (),
    again: str = "scratch",
    **changes: object,
) -> CoverageObservation:
    service = replace(Service("shop", source=("shop",), tests="pytest {suites}/shop"), **changes)
    scratch = tree.parent / again
    scratch.mkdir(exist_ok=True)
    context = Context("coverage", tree.parent / "evidence", scratch, tree, stack=Stack((service, *more)))
    config = config or CoverageConfig(suites=("nowhere", "suites"), timeout=Duration("120 s"))
    seen: CoverageObservation = asyncio.run(CHECK.observe(context, config))
    return seen


def test_a_suite_is_run_and_measured(tree: Path):
    seen = look(tree)
    run = seen.runs[0]
    assert blind(seen) is None, seen.decoy
    assert (run.code, run.tests, run.passed, run.problem) == (0, 1, 1, "")
    assert run.total == Figures("", 4, 3, 2, 1)
    assert [one.name for one in run.files] == ["shop/__init__.py"]
    assert judge_figures(seen, LIMITS).outcome is Outcome.PASS
    assert judge_passing(seen, NONE).outcome is Outcome.PASS
    for judge, seed, criteria in ((judge_figures, seed_figures, LIMITS), (judge_passing, seed_passing, NONE)):
        for seeded in seed(seen, criteria):
            assert judge(seeded.observation, criteria).outcome is Outcome.FAIL, seeded.name
    assert not list(tree.rglob("__pycache__"))


def test_shared_source_counts_and_workers_of_xdist_are_measured(tree: Path):
    seen = look(tree, config=CoverageConfig(suites=("suites",), shared=("kit",), workers={"shop": 2}))
    assert blind(seen) is None, seen.decoy
    assert seen.runs[0].total == Figures("", 6, 4, 2, 1)
    assert "lines-uncovered" in {finding.code for finding in judge_figures(seen, LIMITS).findings}


def test_shared_source_is_held_against_all_suites(tree: Path):
    halves = "def one():\n    return 1\n\n\ndef other(it):\n    if it:\n        return 2\n    return 3\n"
    (tree / "kit/__init__.py").write_text(halves)
    (tree / "suites/shop/test_shop.py").write_text(TEST.format(expected=7) + "    assert kit.one() == 1\n")
    (tree / "suites/bank").mkdir()
    (tree / "suites/bank/test_bank.py").write_text(
        "import bank\nimport kit\n\ndef test_it():\n    assert kit.other(1) == 2\n"
    )
    (tree / "bank").mkdir()
    (tree / "bank/__init__.py").write_text("NAME = 'bank'\n")
    config = CoverageConfig(suites=("suites",), shared=("kit",))
    bank = Service("bank", source=("bank",), tests="pytest {suites}/bank")
    seen = look(tree, config=config, more=(bank,))
    shop, other = seen.runs
    # Of the shared source 5 lines of 6 and 1 branch of 2 ran, whoever ran them.
    assert shop.total == Figures("", 4 + 6, 3 + 5, 2 + 2, 1 + 1)
    assert other.total == Figures("", 1 + 6, 1 + 5, 2, 1)
    alone = look(tree, config=config, again="alone")
    assert alone.runs[0].total == Figures("", 4 + 6, 3 + 3, 2 + 2, 1)


def test_a_failing_test_is_reported_with_its_place(tree: Path):
    (tree / "suites/shop/test_shop.py").write_text(TEST.format(expected=8))
    seen = look(tree)
    ruling = judge_passing(seen, NONE)
    assert [(finding.code, str(finding.location)) for finding in ruling.findings] == [
        ("test-failure", "shop suites/shop/test_shop.py:4")
    ]
    assert "assert 7 == 8" in ruling.findings[0].message
    assert judge_figures(seen, LIMITS).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("text", "reason", "timeout"),
    [
        ("import nothing_like_it\n", "exit code 2", "120 s"),
        ("import os\n\ndef test_dies():\n    os._exit(7)\n", "exit code 7", "120 s"),
        ("", "exit code 5", "120 s"),
        ("import time\n\ndef test_hangs():\n    time.sleep(600)\n", "did not end in time", "4 s"),
    ],
)
def test_a_suite_without_result_never_passes(tree: Path, text: str, reason: str, timeout: str):
    (tree / "suites/shop/test_shop.py").write_text(text)
    seen = look(tree, config=CoverageConfig(suites=("suites",), timeout=Duration(timeout)))
    ruling = judge_passing(seen, NONE)
    assert ruling.outcome is Outcome.FAIL
    assert ruling.findings[0].code == "no-result"
    assert reason in ruling.findings[0].message
    assert judge_figures(seen, LIMITS).reason == "no-data"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"source": ()}, "names no source"),
        ({"source": ("shops",)}, "no such source folder: shops"),
        ({"tests": "npm test"}, "not of the form"),
    ],
)
def test_what_cannot_be_run_is_said(tree: Path, changes: dict, problem: str):
    seen = look(tree, **changes)
    assert problem in seen.runs[0].problem
    assert judge_figures(seen, LIMITS).reason == "no-data"
    assert judge_passing(seen, NONE).outcome is Outcome.FAIL


def test_a_missing_suites_folder_is_said(tree: Path):
    seen = look(tree, config=CoverageConfig(suites=("nowhere",)))
    assert "no folder stands for {suites}" in seen.runs[0].problem


def test_arguments_of_both_forms_of_the_command():
    assert pytest_arguments("pytest {suites}/crm -m 'not slow'", "s") == ["s/crm", "-m", "not slow"]
    assert pytest_arguments("python -m pytest x", "") == ["x"]
