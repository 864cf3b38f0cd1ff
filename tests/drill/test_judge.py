"""Caught, missed, blamed wrongly, not to be told; and the exit code of each."""

import json

import pytest

from certify.api import Fault, FaultKind, Finding, Location, Outcome, RuleResult
from certify.drill.judge import CleanTrouble, Finish, Judged, blames, judge_clean, judge_fault
from certify.drill.report import CleanResult, DrillResult, FaultResult, as_json, as_text, exit_code
from certify.drill.scene import Scene

SERVICES = ("crm", "hr", "scm")


def fault(target: str = "crm", *also: str, rules: tuple[str, ...] = ("a.one",)) -> Fault:
    return Fault("f", FaultKind.OVERLAY, "breaks", rules, target, overlay="m:f", also=also)


def result(outcome: Outcome, *services: str, rule: str = "a.one", reason: str = "") -> RuleResult:
    findings = tuple(Finding("c", f"in {name}", location=Location(service=name)) for name in services)
    return RuleResult(rule, outcome, "summary", reason, findings=findings)


@pytest.mark.parametrize(
    ("some", "finish", "outcome"),
    [
        ([result(Outcome.FAIL, "crm")], Finish.CAUGHT, "fail"),
        ([result(Outcome.FAIL, "hr", "crm")], Finish.CAUGHT, "fail"),
        ([result(Outcome.FAIL)], Finish.CAUGHT, "fail"),
        ([result(Outcome.FAIL, "gateway")], Finish.CAUGHT, "fail"),
        ([result(Outcome.PASS), result(Outcome.FAIL, "crm")], Finish.CAUGHT, "fail"),
        ([result(Outcome.FAIL, "hr")], Finish.MISSED, "elsewhere"),
        ([result(Outcome.PASS)], Finish.MISSED, "pass"),
        ([result(Outcome.INCONCLUSIVE, reason="no-data")], Finish.MISSED, "inconclusive"),
        ([result(Outcome.ERROR)], Finish.MISSED, "error"),
        ([], Finish.MISSED, "not-run"),
    ],
)
def test_a_fault_is_caught_only_by_a_failure_that_means_it(some: list[RuleResult], finish: Finish, outcome: str):
    judged = judge_fault(fault(), {"a.one": tuple(some)}, SERVICES)
    assert (judged.finish, judged.outcome) == (finish, outcome)


def test_every_expected_rule_must_notice():
    results = {"a.one": (result(Outcome.FAIL, "crm"),), "a.two": (result(Outcome.PASS, rule="a.two"),)}
    assert judge_fault(fault(rules=("a.one", "a.two")), results, SERVICES).finish is Finish.MISSED


def test_the_other_side_of_a_conflict_may_be_named():
    one_sided = {"a.one": (result(Outcome.FAIL, "hr"),)}
    conflict = fault("crm", "a.one@hr")
    assert judge_fault(conflict, one_sided, SERVICES).finish is Finish.CAUGHT
    assert not blames(Scene("1", (conflict,), (), on_stack=True), one_sided, SERVICES)


def test_wrong_blame_is_told():
    scene = Scene("1", (fault("crm"),), (), on_stack=True)
    assert not blames(scene, {"a.one": (result(Outcome.FAIL, "crm", "gateway"),)}, SERVICES)
    assert "blames hr" in blames(scene, {"a.one": (result(Outcome.FAIL, "crm", "hr"),)}, SERVICES)[0]
    assert "b.two failed" in blames(scene, {"b.two": (result(Outcome.FAIL, rule="b.two"),)}, SERVICES)[0]
    assert not blames(scene, {"b.two": (result(Outcome.INCONCLUSIVE, rule="b.two"),)}, SERVICES)


def test_the_clean_stack_is_clean_only_when_everything_passes_and_is_up():
    good = {"a.one": (result(Outcome.PASS), result(Outcome.NOT_APPLICABLE))}
    assert judge_clean(good, {}) == ()
    assert [one.failed for one in judge_clean(good, {"hr": "died"})] == [True]
    bad = {"a.one": (result(Outcome.FAIL), result(Outcome.INCONCLUSIVE, reason="no-data"), result(Outcome.ERROR))}
    assert [one.failed for one in judge_clean(bad, {})] == [True, False, False]


def drilled(*finishes: Finish, **more: object) -> DrillResult:
    faults = tuple(
        FaultResult(fault(), Judged("f", one, "x", "d\x1b[31m"), "01", 2_000_000, 500_000) for one in finishes
    )
    clean = CleanResult({"a.one": ("pass",)})
    return DrillResult(**{"profile": "p", "clean": clean, "faults": faults, **more})  # type: ignore[arg-type]


DIRTY = CleanResult({"a.one": ("x",)}, (CleanTrouble("a.one", failed=True, detail="d"),))
UNSURE = CleanResult({"a.one": ("x",)}, (CleanTrouble("a.one", failed=False, detail="d"),))


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (drilled(Finish.CAUGHT, Finish.CAUGHT), 0),
        (drilled(Finish.CAUGHT, Finish.MISSED), 1),
        (drilled(Finish.MISSED, Finish.UNKNOWN), 1),
        (drilled(Finish.CAUGHT, Finish.UNKNOWN), 3),
        (drilled(Finish.CAUGHT, blamed={"01": ("wrong",)}), 1),
        (drilled(Finish.CAUGHT, clean=DIRTY), 1),
        (drilled(Finish.CAUGHT, clean=UNSURE), 3),
        (drilled(), 3),
        (drilled(Finish.CAUGHT, signal=2), 130),
        (drilled(Finish.MISSED, signal=15), 143),
    ],
)
def test_only_a_drill_without_a_doubt_ends_with_0(result: DrillResult, code: int):
    assert exit_code(result) == code


def test_json_has_the_two_parts_and_text_is_harmless():
    shown = json.loads(json.dumps(as_json(drilled(Finish.MISSED))))
    assert set(shown) == {"clean", "faults"}
    (one,) = shown["faults"]
    assert (one["fault"], one["expected"], one["caught"], one["seconds"]) == ("f", ["a.one"], False, 2.0)
    text = as_text(drilled(Finish.MISSED, blamed={"01": ("hr\x1b[0m",)}))
    assert "\x1b" not in text
    assert "0 of 1 faults caught, 1 missed, 1 wrong blame, 1,500 ms" in text
