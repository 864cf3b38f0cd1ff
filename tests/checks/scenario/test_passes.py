"""`scenario.passes`, judged on observations."""

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.scenario.decoy import PREFIX
from certify_checks.scenario.model import Altered, ScenarioObservation, TestResult
from certify_checks.scenario.passes import LIMITS, judge_passes, of_scenario, seed_passes

CRITERIA = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})
PAID = TestResult("test_pay.py::test_paid", ("pay",))
REFUNDED = TestResult("test_pay.py::test_refunded", ("pay", "refund"))
FAILED = TestResult("test_x.py::test_x", ("x",), "failed", "AssertionError: 5 == 7\nmore", "scenarios/test_x.py", 12)
DECOYS = tuple(
    TestResult(name, (PREFIX + name,), outcome)
    for name, outcome in (("passes", "passed"), ("fails", "failed"), ("breaks", "error"), ("skips", "skipped"))
)
GOOD = ScenarioObservation(("pay",), code=1, results=(PAID, REFUNDED), decoys=DECOYS)


def test_passing_tests_pass():
    ruling = judge_passes(GOOD, CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    assert ruling.summary == "2 of 2 tests of 2 scenarios passed"


@pytest.mark.parametrize("outcome", ["failed", "error", "xfailed"])
def test_what_does_not_pass_fails(outcome: str):
    ruling = judge_passes(replace(GOOD, results=(PAID, replace(FAILED, outcome=outcome))), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    assert [finding.code for finding in ruling.findings] == [f"scenario-{outcome}"]


def test_a_failure_says_what_and_where():
    finding = judge_passes(replace(GOOD, results=(PAID, FAILED)), CRITERIA).findings[0]
    assert finding.message == "x: AssertionError: 5 == 7"
    assert str(finding.location) == "scenarios/test_x.py:12 test_x.py::test_x"


def test_a_failure_counts_also_when_the_run_broke_off():
    seen = replace(GOOD, results=(FAILED,), problem="it did not end in time")
    assert judge_passes(seen, CRITERIA).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (ScenarioObservation(problem="there is no folder"), "not-run"),
        (replace(GOOD, decoys=()), "sensor-blind"),
        (replace(GOOD, decoys=(*DECOYS, replace(DECOYS[1], outcome="passed"))), "sensor-blind"),
        (replace(GOOD, problem="exit code 3"), "not-finished"),
        (replace(GOOD, wanted=("pay", "ship")), "no-test"),
        (replace(GOOD, wanted=(), results=()), "no-test"),
        (replace(GOOD, results=(PAID, replace(REFUNDED, outcome="skipped", message="no SMS"))), "skipped"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(seen: ScenarioObservation, reason: str):
    ruling = judge_passes(seen, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


@pytest.mark.parametrize("limit", ["== 0", "<= 2"])
@pytest.mark.parametrize("results", [(PAID, REFUNDED), (PAID, FAILED)])
def test_every_seed_is_found(limit: str, results: tuple[TestResult, ...]):
    criteria = Criteria(CRITERIA.limits | {"failures": Limit.parse(limit)})
    seeds = list(seed_passes(replace(GOOD, results=results), criteria))
    assert len(seeds) == 5
    for seeded in seeds:
        ruling = judge_passes(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}


def test_a_flaky_test_fails_unless_the_profile_allows_it():
    seen = replace(GOOD, results=(PAID, replace(REFUNDED, outcome="flaky", message="AssertionError: 1 == 2")))
    ruling = judge_passes(seen, CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    assert [finding.message for finding in ruling.findings] == [
        "pay, refund: failed and then passed: AssertionError: 1 == 2"
    ]
    assert judge_passes(seen, Criteria(CRITERIA.limits | {"flaky": Limit.parse("<= 1")})).outcome is Outcome.PASS


def test_skipped_tests_are_allowed_only_where_others_of_their_scenario_ran():
    allowed = Criteria(CRITERIA.limits | {"skipped": Limit.parse("<= 2")})
    skipped = replace(REFUNDED, outcome="skipped")
    assert judge_passes(replace(GOOD, results=(PAID, skipped)), allowed).outcome is Outcome.PASS
    assert judge_passes(replace(GOOD, results=(replace(PAID, outcome="skipped"), skipped)), allowed).reason == "no-test"


JEST = TestResult("suite > pays", ("pay",), runner="Jest")


@pytest.mark.parametrize("results", [(JEST,), (JEST, replace(PAID, scenarios=("ship",)))])
def test_what_only_another_runner_has_tested_is_open(results: tuple[TestResult, ...]):
    seen = replace(GOOD, results=results)
    ruling = judge_passes(seen, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "unverified")
    ruling = judge_passes(replace(seen, accepted=True), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, len(results))


def test_a_failure_of_another_runner_is_a_failure():
    ruling = judge_passes(replace(GOOD, results=(PAID, replace(JEST, outcome="failed", message="no"))), CRITERIA)
    assert [finding.message for finding in ruling.findings] == ["pay: no (Jest, unverified)"]


def test_results_that_cannot_be_read_leave_it_open():
    assert judge_passes(replace(GOOD, unread=("a.xml: no",)), CRITERIA).reason == "junit-unreadable"


NOTICING = replace(PAID, notices=("amount",))
NOTICED = Altered("amount", 1, 0, (replace(NOTICING, outcome="failed"),))
SPOILT = replace(GOOD, results=(NOTICING,), alterations=("amount",), altered=(NOTICED,))


def test_alterations_that_were_noticed_are_told():
    ruling = judge_passes(SPOILT, CRITERIA)
    assert (ruling.outcome, ruling.summary) == (
        Outcome.PASS,
        "1 of 1 tests of 1 scenarios passed; 1 alterations noticed",
    )


@pytest.mark.parametrize(
    ("altered", "why"),
    [
        ((), "no test claims to notice it"),
        ((replace(NOTICED, times=0),), "nothing was there to alter"),
        ((replace(NOTICED, broken=1),), "1 requests broke on the way"),
        ((replace(NOTICED, problem="exit code 4"),), "could not be run again: exit code 4"),
        ((replace(NOTICED, results=()),), "no test ran"),
        ((replace(NOTICED, results=(PAID,)),), "test_pay.py::test_paid did not fail"),
        # A test that could not even begin shows nothing.
        ((replace(NOTICED, results=(replace(PAID, outcome="error"),)),), "test_pay.py::test_paid did not fail"),
    ],
)
def test_an_alteration_that_nobody_surely_noticed_leaves_it_open(altered: tuple[Altered, ...], why: str):
    ruling = judge_passes(replace(SPOILT, altered=altered), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "self-test-missed")
    assert why in ruling.summary


def test_a_rule_of_one_scenario_sees_only_its_own():
    judge, seed = of_scenario("refund")
    seen = replace(SPOILT, wanted=(), results=(NOTICING, REFUNDED, FAILED), altered=())
    ruling = judge(seen, CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 1)
    assert judge(replace(seen, results=(NOTICING,)), CRITERIA).reason == "no-test"
    pays, _ = of_scenario("pay")
    assert pays(seen, CRITERIA).reason == "self-test-missed"
    for seeded in seed(seen, CRITERIA):
        assert judge(seeded.observation, CRITERIA).outcome is Outcome.FAIL, seeded.name
