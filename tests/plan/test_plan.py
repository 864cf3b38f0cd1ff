"""A plan is as few check processes as options, needs and requirements allow."""

from typing import Any

import pytest

from certify.engine.plan import PlanError, Selection, make_plan
from certify.engine.protocol import Description, RuleDescription
from certify.engine.registry import InstalledCheck, Registry
from certify.model.check import Capability
from certify.model.limit import Limit
from certify.model.outcome import Outcome
from certify.profile.model import Control, Profile

ALL = frozenset(Capability)


def check(name: str, *rules: RuleDescription) -> InstalledCheck:
    return InstalledCheck(name, Description(name, name, rules, budget=7), ("run",))


REGISTRY: Registry = {
    found.id: found
    for found in (
        check("web", RuleDescription("up", "", frozenset({Capability.HTTP})), RuleDescription("fast", "", frozenset({Capability.HTTP, Capability.EXCLUSIVE}), {"p95": None})),
        check("code", RuleDescription("clean", "", frozenset({Capability.SOURCE}), {"most": "== 0"}), RuleDescription("queue", "", frozenset({Capability.KAFKA}))),
    )
}  # fmt: skip


def control(name: str, *prove: str, **more: Any) -> Control:
    return Control(name, name, prove=prove, **more)


def profile(*controls: Control, **more: Any) -> Profile:
    return Profile("p", controls=controls, **more)


def test_controls_with_the_same_options_share_a_process() -> None:
    plan = make_plan(profile(control("A", "web.up"), control("B", "web.up")), REGISTRY, ALL)
    assert [job.id for job in plan.jobs] == ["web"]
    assert [question.key for question in plan.jobs[0].questions] == ["A/web.up", "B/web.up"]


def test_other_options_other_requirements_and_other_needs_get_processes_of_their_own() -> None:
    limits = {"p95": Limit.parse("< 1 s")}
    plan = make_plan(
        profile(
            control("A", "web.up"),
            control("B", "web.up", options={"window": "9 s"}),
            control("C", "web.up", requires=("A",)),
            control("D", "web.fast", limits=limits),
        ),
        REGISTRY,
        ALL,
    )
    assert len(plan.jobs) == 4
    assert len({job.id for job in plan.jobs}) == 4
    assert [job.exclusive for job in plan.jobs] == [False, False, False, True]


def test_source_checks_do_not_wait_for_the_stack() -> None:
    plan = make_plan(profile(control("A", "code.clean")), REGISTRY, ALL)
    assert not plan.needs_stack
    assert make_plan(profile(control("A", "web.up")), REGISTRY, ALL).needs_stack


def test_a_control_with_a_rule_that_does_not_exist_is_executed_as_far_as_it_goes() -> None:
    plan = make_plan(profile(control("A", "code.clean", "code.dreams")), REGISTRY, ALL)
    assert [question.rule for question in plan.jobs[0].questions] == ["clean"]
    assert [(known.rule, known.outcome) for known in plan.settled["A"]] == [("code.dreams", Outcome.UNIMPLEMENTED)]


def test_a_missing_capability_is_inconclusive_and_says_which() -> None:
    plan = make_plan(profile(control("A", "code.queue")), REGISTRY, ALL - {Capability.KAFKA})
    known = plan.settled["A"][0]
    assert (known.outcome, known.reason) == (Outcome.INCONCLUSIVE, "capability-missing")
    assert "kafka" in known.summary


def test_narrowing_skips_and_is_told() -> None:
    both = profile(control("A", "web.up"), control("B", "code.clean"))
    for selection in (Selection(only=("A",)), Selection(only=("web",)), Selection(skip=("code.clean",))):
        plan = make_plan(both, REGISTRY, ALL, selection)
        assert [job.check for job in plan.jobs] == ["web"]
        assert plan.settled["B"][0].outcome is Outcome.SKIPPED
    assert Selection(only=("web", "wbe")).unknown(both) == ["wbe"]


def test_limits_come_from_the_control_else_from_the_rule() -> None:
    own = {"most": Limit.parse("<= 3")}
    plan = make_plan(profile(control("A", "code.clean"), control("B", "code.clean", limits=own)), REGISTRY, ALL)
    assert [str(question.criteria["most"]) for question in plan.jobs[0].questions] == ["== 0", "<= 3"]
    with pytest.raises(PlanError, match="needs a limit 'p95'"):
        make_plan(profile(control("A", "web.fast")), REGISTRY, ALL)


def test_budgets_are_the_profiles_else_the_checks() -> None:
    assert make_plan(profile(control("A", "web.up")), REGISTRY, ALL).jobs[0].budget_us == 7_000_000
    own = make_plan(profile(control("A", "web.up"), budgets={"web": 5}), REGISTRY, ALL)
    assert own.jobs[0].budget_us == 5
