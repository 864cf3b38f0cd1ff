"""`coverage.lines-branches` and `coverage.suites-pass`, judged on observations."""

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Ruling
from certify_checks.coverage.figures import judge_figures, seed_figures
from certify_checks.coverage.model import CoverageObservation, Figures, SuiteRun, Trouble
from certify_checks.coverage.passing import judge_passing, seed_passing

FAILED = Trouble("t::test_x", "failure", "assert 1 == 2\nmore", "suite/test_t.py", 7)
DECOY = SuiteRun(
    "decoy", "pytest suite", code=1, tests=5, skipped=1, xfailed=1, troubles=(FAILED,), total=Figures("", 4, 3, 2, 1)
)
FILES = (Figures("fin/a.py", 100, 95), Figures("fin/b.py", 100, 70, 40, 31))
FINANCE = SuiteRun(
    "finance", "pytest finance", code=0, tests=9, skipped=1, total=Figures("", 200, 165, 40, 33), files=FILES
)
CRM = SuiteRun("crm", "pytest crm", code=0, tests=4, xfailed=1, total=Figures("", 50, 40))
GOOD = CoverageObservation((FINANCE, CRM), DECOY)
LIMITS = Criteria({"lines": Limit.parse("> 80 %"), "branches": Limit.parse("> 80 %")})
NONE = Criteria({"failures": Limit.parse("== 0")})


def about(criteria: Criteria, *services: str) -> Criteria:
    return Criteria(criteria.limits, services)


def codes(ruling: Ruling) -> list[str]:
    assert ruling.outcome is Outcome.FAIL
    return [finding.code for finding in ruling.findings]


def test_enough_coverage_passes():
    ruling = judge_figures(GOOD, about(LIMITS, "finance"))
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 1)
    assert ruling.summary == "1 suites; lowest: 82.5 % of lines (finance), 82.5 % of branches (finance)"
    assert [(m.name, m.value, m.samples) for m in ruling.measurements] == [
        ("lines", 825_000, 200),
        ("branches", 825_000, 40),
    ]


def test_exactly_the_limit_is_not_more_than_it():
    ruling = judge_figures(GOOD, LIMITS)
    assert codes(ruling) == ["lines-uncovered"]
    assert ruling.findings[0].message == "crm: 80 % of lines (40 of 50), not > 80 %"


def test_the_cure_names_the_worst_files():
    run = replace(FINANCE, total=Figures("", 200, 120, 40, 10))
    ruling = judge_figures(replace(GOOD, runs=(run,)), LIMITS)
    assert codes(ruling) == ["lines-uncovered", "branches-uncovered"]
    assert ruling.findings[0].cure.endswith("most of it in fin/b.py (30 of its lines), fin/a.py (5 of its lines)")
    assert ruling.findings[1].cure.endswith("most of it in fin/b.py (9 of its branches)")


@pytest.mark.parametrize("judge", [(judge_figures, LIMITS), (judge_passing, NONE)])
def test_a_service_without_suite_fails(judge: tuple):
    assert codes(judge[0](replace(GOOD, runs=(FINANCE, SuiteRun("hr"))), judge[1])) == ["no-suite"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(GOOD, runs=()), "no-suites"),
        (replace(GOOD, runs=(SuiteRun("hr"),)), "no-suites"),
        (replace(GOOD, decoy=None), "sensor-blind"),
        (replace(GOOD, decoy=replace(DECOY, total=None, problem="crash")), "sensor-blind"),
        (replace(GOOD, decoy=replace(DECOY, total=Figures("", 4, 4, 2, 1))), "sensor-blind"),
        (replace(GOOD, decoy=replace(DECOY, troubles=())), "sensor-blind"),
        (replace(GOOD, runs=(FINANCE, replace(CRM, total=None, problem="exit code 3"))), "no-data"),
        (replace(GOOD, runs=(FINANCE, replace(CRM, total=Figures()))), "no-data"),
    ],
)
def test_coverage_that_cannot_be_told_is_inconclusive(seen: CoverageObservation, reason: str):
    ruling = judge_figures(seen, LIMITS)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


def test_suites_without_failures_pass_and_all_is_counted():
    ruling = judge_passing(GOOD, NONE)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 11)
    assert ruling.summary == "11 tests passed in 2 suites, 0 failed, 1 skipped, 1 failed as expected"
    assert [m.value for m in ruling.measurements] == [0, 1, 1]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (replace(CRM, code=1, troubles=(FAILED,)), ["test-failure"]),
        (replace(CRM, code=1, troubles=(replace(FAILED, kind="error"),)), ["test-error"]),
        (replace(CRM, code=1, troubles=(FAILED,) * 12), ["test-failure"] * 10 + ["more"]),
        (replace(CRM, tests=0, code=5, problem="exit code 5"), ["no-result"]),
        (replace(CRM, tests=0), ["no-tests"]),
        (replace(CRM, skipped=4), ["all-skipped"]),
        (replace(CRM, code=1), ["contradiction"]),
    ],
)
def test_a_suite_that_does_not_pass_fails(run: SuiteRun, expected: list[str]):
    assert codes(judge_passing(replace(GOOD, runs=(FINANCE, run)), NONE)) == expected


def test_a_failed_test_is_located():
    finding = judge_passing(replace(GOOD, runs=(replace(CRM, code=1, troubles=(FAILED,)),)), NONE).findings[0]
    assert str(finding.location) == "crm suite/test_t.py:7"
    assert finding.message == "t::test_x: assert 1 == 2"


@pytest.mark.parametrize(
    ("seen", "reason"), [(replace(GOOD, runs=()), "no-suites"), (replace(GOOD, decoy=None), "sensor-blind")]
)
def test_passing_that_cannot_be_told_is_inconclusive(seen: CoverageObservation, reason: str):
    assert judge_passing(seen, NONE).reason == reason


@pytest.mark.parametrize("real", [GOOD, replace(GOOD, runs=(replace(FINANCE, total=Figures("", 200, 9, 40, 1)), CRM))])
@pytest.mark.parametrize("limit", ["> 80 %", ">= 70 %", ">= 100 %"])
def test_every_coverage_seed_is_found(real: CoverageObservation, limit: str):
    criteria = Criteria({"lines": Limit.parse(limit), "branches": Limit.parse(limit)}, ("finance",))
    seeds = list(seed_figures(real, criteria))
    assert len(seeds) == 4
    for seeded in seeds:
        assert seeded.code in codes(judge_figures(seeded.observation, criteria)), seeded.name


@pytest.mark.parametrize("real", [GOOD, replace(GOOD, runs=(replace(FINANCE, problem="exit code 2", total=None), CRM))])
@pytest.mark.parametrize("limit", ["== 0", "<= 3"])
def test_every_passing_seed_is_found(real: CoverageObservation, limit: str):
    criteria = Criteria({"failures": Limit.parse(limit)})
    seeds = list(seed_passing(real, criteria))
    assert len(seeds) == 6
    for seeded in seeds:
        assert seeded.code in codes(judge_passing(seeded.observation, criteria)), seeded.name
