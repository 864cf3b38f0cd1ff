"""Whether the suite of each service has tests and none of them fails."""

from collections.abc import Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded
from certify_checks.coverage.decoy import blind
from certify_checks.coverage.model import CoverageObservation, SuiteRun, Trouble

_SHOWN = 10


def judge_passing(seen: CoverageObservation, criteria: Criteria) -> Ruling:
    """Count tests that fail or break; a suite that crashes, has no tests or runs none of them fails as well."""
    runs = [run for run in seen.runs if criteria.covers(run.service)]
    if not runs or not any(run.command for run in seen.runs):
        cure = "give services `tests: pytest FOLDER` and `source:`"
        return Ruling.inconclusive("no-suites", "no service has a suite", cure=cure)
    if doubt := blind(seen):
        return doubt
    failures = sum(len(run.troubles) for run in runs)
    broken = tuple(finding for run in runs for finding in _suite_findings(run))
    limit = criteria["failures"]
    return Ruling(
        Outcome.PASS if limit.holds(failures) and not broken else Outcome.FAIL,
        _summary(runs, failures),
        examined=sum(run.passed + len(run.troubles) for run in runs),
        findings=(*broken, *(finding for run in runs for finding in _test_findings(run))),
        measurements=(
            Measurement("failures", failures, limit=limit, samples=sum(run.tests for run in runs)),
            Measurement("skipped", sum(run.skipped for run in runs)),
            Measurement("expected failures", sum(run.xfailed for run in runs)),
        ),
    )


def _summary(runs: list[SuiteRun], failures: int) -> str:
    passed, skipped = sum(run.passed for run in runs), sum(run.skipped for run in runs)
    told = f"{passed} tests passed in {len(runs)} suites, {failures} failed, {skipped} skipped"
    expected = sum(run.xfailed for run in runs)
    return told + (f", {expected} failed as expected" if expected else "")


def _suite_findings(run: SuiteRun) -> Iterator[Finding]:
    place = Location(service=run.service)
    if not run.command:
        cure = f"write a suite and name it: `{run.service}: {{tests: pytest FOLDER}}`"
        yield Finding("no-suite", f"{run.service} has no suite", location=place, cure=cure)
    elif run.problem:
        told = f"the suite of {run.service} gave no result: {run.problem}"
        yield Finding("no-result", told, location=place, cure=f"run `{run.command}`", context="no-result")
    elif not run.tests:
        yield Finding("no-tests", f"the suite of {run.service} is empty", location=place, cure=f"run `{run.command}`")
    elif run.tests == run.skipped:
        told = f"all {run.tests} tests of {run.service} were skipped"
        yield Finding("all-skipped", told, location=place, cure="see why in the suite's log", context="all-skipped")
    elif run.code != 0 and not run.troubles:
        told = f"the suite of {run.service} ended with code {run.code}, and reports no failed test"
        yield Finding("contradiction", told, location=place, cure=f"run `{run.command}`", context="contradiction")


def _test_findings(run: SuiteRun) -> Iterator[Finding]:
    for trouble in run.troubles[:_SHOWN]:
        place = Location(trouble.file, trouble.line, service=run.service)
        told = f"{trouble.test}: {trouble.message.splitlines()[0] if trouble.message else trouble.kind}"
        cure = f"run `{run.command}`"
        yield Finding(f"test-{trouble.kind}", told, location=place, cure=cure, context=trouble.test)
    if len(run.troubles) > _SHOWN:
        told = f"{len(run.troubles) - _SHOWN} more tests of {run.service} fail"
        yield Finding("more", told, location=Location(service=run.service), cure=f"run `{run.command}`")


def seed_passing(seen: CoverageObservation, criteria: Criteria) -> Iterator[Seeded[CoverageObservation]]:
    """Failing and breaking tests in as many as break the limit; a crash; an empty suite; all skipped; a lie."""
    run = next((run for run in seen.runs if criteria.covers(run.service) and run.command), None)
    if run is None:
        return
    clean = replace(run, problem="", code=0, tests=max(run.tests, 1), skipped=0, troubles=())
    count = max(1, criteria["failures"].beyond())
    for kind in ("failure", "error"):
        troubles = tuple(Trouble(f"seeded::test_{number}", kind, "seeded") for number in range(count))
        hit = replace(clean, code=1, tests=clean.tests + count, troubles=troubles)
        yield Seeded(f"test {kind}", _with(seen, hit), f"test-{kind}")
    yield Seeded("suite crashes", _with(seen, replace(clean, code=3, problem="exit code 3")), "no-result")
    yield Seeded("suite is empty", _with(seen, replace(clean, code=0, tests=0)), "no-tests")
    yield Seeded("all tests skipped", _with(seen, replace(clean, skipped=clean.tests)), "all-skipped")
    yield Seeded("failure that no test shows", _with(seen, replace(clean, code=1)), "contradiction")


def _with(seen: CoverageObservation, changed: SuiteRun) -> CoverageObservation:
    runs = tuple(changed if run.service == changed.service else run for run in seen.runs)
    return replace(seen, runs=runs)
