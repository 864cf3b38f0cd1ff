"""Check debt over real files in several languages: both colours, and every way in which it could see nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.api import Context, Criteria, Limit, Outcome, Ruling, Service, Stack
from certify_checks.debt import CHECK
from certify_checks.debt.config import DebtConfig
from certify_checks.debt.seen import DebtSeen

DEFAULTS = DebtConfig()
PYTHON = (
    '"""Totals."""\n\n\ndef total(rows: list[int]) -> int:\n    # Sum is exact for integers.\n    return sum(rows)\n'
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("finance", "crm"):
        folder = tmp_path / "root" / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(PYTHON)
    return tmp_path / "root"


@pytest.fixture
def observe(tmp_path: Path, tree: Path) -> Callable[..., DebtSeen]:
    def run(config: DebtConfig = DEFAULTS, **fields: Any) -> DebtSeen:
        for name in ("evidence", "scratch"):
            (tmp_path / name).mkdir(exist_ok=True)
        stack = Stack((Service("finance", source=("finance",)), Service("crm", source=("crm",))))
        known = {"source_root": tree, "stack": stack, **fields}
        ctx = Context("debt", tmp_path / "evidence", tmp_path / "scratch", **known)
        seen = asyncio.run(CHECK.observe(ctx, config))
        return msgspec.json.decode(msgspec.json.encode(seen), type=DebtSeen)

    return run


def judge(seen: DebtSeen, rule: str, *services: str) -> Ruling:
    found = CHECK.rule(rule)
    assert found
    return found.judge(seen, criteria(rule, *services))


def criteria(rule: str, *services: str, limit: str = "== 0") -> Criteria:
    return Criteria({rule: Limit.parse(limit)}, services)


def places(ruling: Ruling) -> list[str]:
    return [f"{f.location.file}:{f.location.line}:{f.location.column} {f.message}" for f in ruling.findings]


@pytest.mark.parametrize("rule", [rule.id for rule in CHECK.rules])
def test_clean_source_passes_and_every_seed_is_found(observe: Any, rule: str):
    seen = observe()
    ruling = judge(seen, rule)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2), ruling
    found = CHECK.rule(rule)
    assert found
    seeds = list(found.seed(seen, criteria(rule)))
    assert len(seeds) == 2
    assert all(found.judge(seed.observation, criteria(rule)).outcome is Outcome.FAIL for seed in seeds)


@pytest.mark.parametrize("rule", [rule.id for rule in CHECK.rules])
def test_seeds_break_a_relaxed_limit_too(observe: Any, rule: str):
    seen, relaxed = observe(), criteria(rule, limit="<= 3")
    found = CHECK.rule(rule)
    assert found
    assert all(found.judge(seed.observation, relaxed).outcome is Outcome.FAIL for seed in found.seed(seen, relaxed))


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("a.py", "x = 1  # TODO: later\n", "crm/a.py:1:10 TODO"),
        ("a.py", '"""Adds.\n\nFIXME rounding\n"""\n', "crm/a.py:3:1 FIXME"),
        ("a.js", "/* one\n   HACK around */\n", "crm/a.js:2:4 HACK"),
        ("a.ts", "let x = 1; // xxx: why\n", "crm/a.ts:1:15 XXX"),
        ("a.sql", "-- todo(bob) index\nselect 1;\n", "crm/a.sql:1:4 TODO"),
        ("a.yaml", "a: 1 # FIXME\n", "crm/a.yaml:1:8 FIXME"),
        ("Dockerfile", "# TODO smaller\nFROM scratch\n", "crm/Dockerfile:1:3 TODO"),
    ],
)
def test_a_marker_is_found_in_the_comments_of_any_language(
    observe: Any, tree: Path, file: str, text: str, expected: str
):
    (tree / "crm" / file).write_text(text)
    ruling = judge(observe(), "markers")
    assert places(ruling) == [f"{expected} without an issue reference"]
    assert judge(observe(), "markers", "finance").outcome is Outcome.PASS


@pytest.mark.parametrize(
    "text",
    [
        "# TODO #12: later\n",
        "# FIXME ERP-7\n",
        "# HACK https://tracker.example/3\n",
        "TODO = 'TODO: in a string'\n",
        "# the todo list of a user\n",
        "# METHODS and HACKATHON\n",
    ],
)
def test_references_strings_and_plain_words_are_no_markers(observe: Any, tree: Path, text: str):
    (tree / "crm" / "a.py").write_text(text)
    assert judge(observe(), "markers").outcome is Outcome.PASS


@pytest.mark.parametrize("code", ["print(1)", "print(1)  # noqa: T201", "breakpoint()", "import pdb; pdb.set_trace()"])
def test_debug_output_of_python_is_found_also_when_hushed(observe: Any, tree: Path, code: str):
    (tree / "crm" / "a.py").write_text(f"# ruff: noqa\n{code}\n")
    (tree / "ruff.toml").write_text("lint.ignore = ['T']\n")
    ruling = judge(observe(), "debug-output")
    assert ruling.outcome is Outcome.FAIL
    assert {f.location.line for f in ruling.findings} == {2}
    assert ruling.findings[0].context == code


def test_debug_output_of_scripts_is_found_outside_of_strings_and_comments(observe: Any, tree: Path):
    text = "// console.log(1)\nconst s = 'console.log(2)';\n  console\n    .log(s);\ndebugger;\nconsole.error(s);\n"
    for name in ("a.js", "a.ts", "a.mjs"):
        (tree / "crm" / name).write_text(text)
    found = places(judge(observe(), "debug-output"))
    assert found[:2] == ["crm/a.js:3:3 debug output (console.log)", "crm/a.js:5:1 debug output (debugger)"]
    assert len(found) == 6


def test_commented_code_is_found_and_prose_is_not(observe: Any, tree: Path):
    (tree / "crm" / "a.py").write_text("# Adds one to x.\n# x = x + 1  # noqa: ERA001\nx = 1\n")
    assert places(judge(observe(), "commented-code")) == ["crm/a.py:2:1 commented-out code (ERA001)"]


def test_what_a_rule_cannot_judge_is_said(observe: Any, tree: Path):
    (tree / "crm" / "a.js").write_text("let x = 1;\n")
    (tree / "crm" / "data.bin").write_bytes(b"\x00\x01")
    ruling = judge(observe(), "commented-code")
    assert "not judged: 1 .js, 1 .bin" in ruling.summary
    assert "(1 JavaScript, 2 Python)" in judge(observe(), "debug-output").summary


def test_a_service_in_another_language_is_not_passed_over(observe: Any, tree: Path):
    (tree / "crm" / "app.py").rename(tree / "crm" / "app.rs")
    ruling = judge(observe(), "commented-code")
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "language-not-judged")
    assert "no file of crm is in a language" in ruling.summary
    assert judge(observe(), "commented-code", "finance").outcome is Outcome.PASS


def test_excluded_files_are_left_out_and_excluding_all_is_inconclusive(observe: Any, tree: Path):
    (tree / "crm" / "tests").mkdir()
    (tree / "crm" / "tests" / "conftest.py").write_text("print(1)  # TODO\n")
    assert judge(observe(), "debug-output").outcome is Outcome.PASS
    assert judge(observe(DebtConfig(exclude=("*",))), "markers").reason == "no-source"


@pytest.mark.parametrize("rule", ["debug-output", "commented-code"])
def test_python_that_does_not_parse_is_inconclusive(observe: Any, tree: Path, rule: str):
    (tree / "crm" / "a.py").write_text("def (:\n")
    ruling = judge(observe(), rule)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "not-judged")
    assert "crm/a.py" in ruling.summary


def test_only_the_wanted_rules_are_observed(observe: Any):
    seen = observe(rules=("commented-code",))
    assert set(seen.judged) == {"commented-code"}
    assert judge(seen, "markers").reason == "not-observed"


def test_no_source_root_is_inconclusive(observe: Any):
    assert judge(observe(source_root=None), "markers").reason == "not-observed"


def test_options_that_blind_the_sensor_are_noticed(observe: Any):
    assert judge(observe(DebtConfig(reference=".")), "markers").reason == "sensor-blind"
    assert judge(observe(DebtConfig(console=())), "debug-output").reason == "sensor-blind"


def test_a_tool_that_gives_no_report_is_inconclusive(observe: Any):
    seen = observe()
    broken = msgspec.structs.replace(seen.judged["debug-output"], problem="ruff gave no report: exit code 2")
    seen = msgspec.structs.replace(seen, judged={"debug-output": broken})
    assert judge(seen, "debug-output").reason == "no-report"


def test_nothing_at_all_is_never_a_pass(observe: Any):
    seen = msgspec.structs.replace(observe(), sources=())
    assert judge(seen, "markers").reason == "nothing-examined"
