"""Puts the answers of all check processes together into controls. Pure."""

import shlex
from collections.abc import Iterable, Mapping

from certify.engine.check_process import Answers
from certify.engine.plan import Job, Plan
from certify.engine.protocol import Ruled
from certify.model.outcome import Outcome, worst
from certify.model.record import ControlResult, RuleResult, SelfTest
from certify.profile.model import Control


def rule_results(job: Job, answers: Answers) -> dict[str, RuleResult]:
    """One result for each question of a job, by question key; the unanswered ones are errors."""
    results = {}
    for question in job.questions:
        name = f"{job.check}.{question.rule}"
        ruled = answers.rulings.get(question.key)
        results[question.key] = (
            _believed(name, job.id, ruled)
            if ruled
            else RuleResult(name, Outcome.ERROR, answers.problem, answers.reason, _cure(answers), job=job.id)
        )
    return results


def blocked(job: Job, outcomes: Mapping[str, Outcome]) -> dict[str, RuleResult]:
    """The results of a job that was not started, because a control that it requires did not pass."""
    broken = [f"{control} is {outcomes[control]}" for control in job.requires if outcomes[control] is not Outcome.PASS]
    summary = "not started: " + ", ".join(broken)
    return same_for_all(job, Outcome.BLOCKED, summary, "prerequisite", "mend what it requires first")


def same_for_all(job: Job, outcome: Outcome, summary: str, reason: str, cure: str) -> dict[str, RuleResult]:
    """The same result for every question of a job."""
    return {
        question.key: RuleResult(f"{job.check}.{question.rule}", outcome, summary, reason, cure, job=job.id)
        for question in job.questions
    }


def _cure(answers: Answers) -> str:
    if answers.reason == "budget":
        return "give the check a larger budget in the profile (budgets:), or find out what hangs in its log.txt"
    return "see log.txt in the check's evidence folder"


def _believed(name: str, job: str, ruled: Ruled) -> RuleResult:
    """The ruling as it is believed: a green one counts only if the rule has just shown that it can be red."""
    ruling, tested = ruled.ruling, ruled.selftest
    outcome, reason, summary, cure = ruling.outcome, ruling.reason, ruling.summary, ruling.cure
    if outcome is Outcome.PASS:
        if not ruling.examined:
            outcome, reason = Outcome.INCONCLUSIVE, "nothing-examined"
            summary, cure = (
                f"nothing was examined ({summary})",
                "give the rule something to look at, or drop the control",
            )
        elif not tested.seeded:
            outcome, reason = Outcome.INCONCLUSIVE, "self-test-empty"
            summary, cure = f"the rule planted no defect ({summary})", "the check must seed defects that it then finds"
        elif tested.found < tested.seeded:
            outcome, reason = Outcome.INCONCLUSIVE, "self-test-missed"
            missed = ", ".join(tested.missed)
            summary, cure = f"the rule missed planted defects: {missed}", "report this to the check's authors"
    elif not reason:
        reason = "findings" if outcome is Outcome.FAIL else "unexplained"
    return RuleResult(
        name,
        outcome,
        summary,
        reason,
        cure,
        ruling.examined,
        tested,
        ruling.findings,
        ruling.measurements,
        job,
        networks=ruling.networks,
        charts=ruling.charts,
    )


def control_outcome(results: Iterable[RuleResult]) -> Outcome:
    """The worst outcome of a control's rules; only proved ones may be not-applicable beside a pass."""
    return worst([result.outcome for result in results])


def control_result(
    control: Control, results: tuple[RuleResult, ...], profile: str, again: Iterable[str] = ()
) -> ControlResult:
    """One control with all that was ruled about it; `again` are the arguments that name the stack."""
    outcome = control_outcome(results)
    deciding = next((result for result in results if result.outcome is outcome), None)
    tests = [result.selftest for result in results]
    return ControlResult(
        id=control.id,
        title=control.title,
        source=control.source,
        severity=control.severity,
        mode=control.mode,
        outcome=outcome,
        reason=_reason(deciding),
        rulings=results,
        measurements=tuple(item for result in results for item in result.measurements),
        findings=tuple(item for result in results for item in result.findings),
        selftest=SelfTest(
            sum(test.seeded for test in tests),
            sum(test.found for test in tests),
            tuple(name for test in tests for name in test.missed),
        ),
        origin=control.origin,
        limits=control.limits,
        cure=deciding.cure if deciding else "",
        owner=control.owner,
        repro=shlex.join(["certify", "--profile", profile, *again, "--only", control.id]),
    )


def _reason(deciding: RuleResult | None) -> str:
    if deciding is None:
        return "no rule proves it"
    # A failure's sentence says it all; what could not be told is known by its code as well.
    plain = deciding.outcome in {Outcome.PASS, Outcome.FAIL}
    return deciding.summary if plain else f"{deciding.reason}: {deciding.summary}"


def control_results(
    plan: Plan, answered: Mapping[str, RuleResult], profile: str, again: Iterable[str] = ()
) -> tuple[ControlResult, ...]:
    """All controls, in the order of the profile. `answered` maps question keys to results."""
    found = []
    for control in plan.controls:
        known = {result.rule: result for result in plan.settled[control.id]}
        keys = {name: answered[key] for name in control.prove if (key := f"{control.id}/{name}") in answered}
        ordered = tuple((known | keys)[name] for name in control.prove if name in known or name in keys)
        found.append(control_result(control, ordered, profile, again))
    return tuple(found)
