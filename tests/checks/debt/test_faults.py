"""The source faults of the reference stack, each on a scratch clone of its real source."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from certify.api import Context, Criteria, Limit, Outcome, Service, Stack
from certify_checks.debt import CHECK
from certify_checks.debt.config import DebtConfig
from certify_faults import debt as faults

FINANCE = "certify_stack/erp/finance"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    source = Path(faults.__file__).parents[1] / FINANCE
    shutil.copytree(source, tmp_path / "root" / FINANCE, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("markers", faults.marker),
        ("debug-output", faults.debug_print),
        ("commented-code", faults.commented_code),
    ],
)
def test_each_fault_turns_its_rule_red(tmp_path: Path, clone: Path, rule: str, fault: Callable[[Path], Path]):
    for name in ("evidence", "scratch"):
        (tmp_path / name).mkdir()
    stack = Stack((Service("finance", source=(FINANCE,)),))
    ctx = Context("debt", tmp_path / "evidence", tmp_path / "scratch", source_root=clone, stack=stack, rules=(rule,))
    found = CHECK.rule(rule)
    assert found
    criteria = Criteria({rule: Limit.parse("== 0")})
    before = found.judge(asyncio.run(CHECK.observe(ctx, DebtConfig())), criteria)
    changed = fault(clone).relative_to(clone).as_posix()
    after = found.judge(asyncio.run(CHECK.observe(ctx, DebtConfig())), criteria)
    assert before.outcome is Outcome.PASS, before
    assert after.outcome is Outcome.FAIL
    assert {finding.location.file for finding in after.findings} == {changed}
