"""Accepted work on the reference stack, in both colours, with the finance profile's own shapes.

Tests share the machine with each other, so what is asserted here does not hang on how fast it is.
"""

from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from certify.api import Context, Criteria, Limit, Outcome, Stack
from certify.profile.load import load_profile
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.model import LoadSeen

pytestmark = [pytest.mark.stack, pytest.mark.nightly]

RULES = {rule.id: rule for rule in CHECK.rules}
NONE = Limit.parse("== 0")
ASKED = Criteria({"unfinished": NONE, "lost": NONE, "double": NONE})
Boot = Callable[..., AbstractContextManager[Stack]]
IMPORT = {"shape": "import-invoices", "users": 3, "ramp": "500 ms", "warmup": "500 ms", "hold": "3 s"}
REPORTS = {"shape": "ask-reports", "users": 6, "pace": "3 s", "ramp": "500 ms", "warmup": "500 ms", "hold": "10 s"}


def loaded(stack: Stack, folder: Path, options: dict[str, Any]) -> LoadSeen:
    for name in ("evidence", "scratch"):
        (folder / name).mkdir()
    ctx = Context("load", folder / "evidence", folder / "scratch", stack=stack)
    seen: LoadSeen = run(CHECK.observe(ctx, as_config(CHECK, load_profile("finance").checks["load"] | options)))
    assert not seen.unusable, seen.detail
    return seen


def test_ten_thousand_rows_of_a_file_that_comes_twice_are_there_once(stack: Stack, tmp_path: Path):
    seen = loaded(stack, tmp_path, IMPORT)
    for name in ("completed", "effects"):
        told = RULES[name].judge(seen, ASKED)
        assert told.outcome is Outcome.PASS, told
    assert (seen.effects[0].done, seen.effects[0].repeated) == (10_000, 10_000)


def test_an_import_that_drops_rows_turns_effects_red(boot: Boot, tmp_path: Path):
    with boot("certify_faults.load_work:import_drops_rows") as stack:
        seen = loaded(stack, tmp_path, IMPORT)
    told = RULES["effects"].judge(seen, ASKED)
    assert told.outcome is Outcome.FAIL
    assert seen.effects[0].lost == 3


def test_every_report_that_was_asked_for_is_made(stack: Stack, tmp_path: Path):
    seen = loaded(stack, tmp_path, REPORTS)
    told = RULES["completed"].judge(seen, ASKED)
    assert told.outcome is Outcome.PASS, told
    assert told.examined >= 10
    assert seen.failures == 0
