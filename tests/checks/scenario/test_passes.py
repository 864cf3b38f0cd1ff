"""`scenario.passes`, judged on observations."""

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.scenario.decoy import PREFIX
from certify_checks.scenario.model import ScenarioObservation, TestResult
from certify_checks.scenario.passes import judge_passes, seed_passes

CRITERIA = Criteria({"failures": Limit.parse("== 0")})
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
    criteria = Criteria({"failures": Limit.parse(limit)})
    seeds = list(seed_passes(replace(GOOD, results=results), criteria))
    assert len(seeds) == 4
    for seeded in seeds:
        ruling = judge_passes(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}
