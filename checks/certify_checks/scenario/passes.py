"""Whether each scenario has a test that ran and passed."""

from collections.abc import Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded
from certify_checks.scenario.decoy import misjudged
from certify_checks.scenario.model import ScenarioObservation, TestResult

_BAD = ("failed", "error", "xfailed")


def judge_passes(seen: ScenarioObservation, criteria: Criteria) -> Ruling:
    """A failure is a failure whatever else is missing; a scenario without a test that ran leaves it open."""
    if not seen.results and seen.problem:
        cure = "name the folder in `with: {folder: [...]}`, and see the log of pytest in the evidence"
        return Ruling.inconclusive("not-run", seen.problem, cure=cure)
    if wrong := misjudged(seen):
        told = f"tests with known results ended otherwise: {wrong}"
        return Ruling.inconclusive("sensor-blind", told, cure="see the log of pytest in the evidence")
    findings = tuple(_finding(result) for result in seen.results if result.outcome in _BAD)
    limit = criteria["failures"]
    held = limit.holds(len(findings))
    if held and (doubt := _doubt(seen)):
        return doubt
    passed = sum(result.outcome == "passed" for result in seen.results)
    names = {name for result in seen.results for name in result.scenarios}
    return Ruling(
        Outcome.PASS if held else Outcome.FAIL,
        f"{passed} of {len(seen.results)} tests of {len(names)} scenarios passed",
        examined=len(seen.results),
        findings=findings,
        measurements=(Measurement("failures", len(findings), limit=limit, samples=len(seen.results)),),
    )


def _doubt(seen: ScenarioObservation) -> Ruling | None:
    if seen.problem:
        cure = "see the log of pytest in the evidence"
        return Ruling.inconclusive("not-finished", seen.problem, cure=cure, examined=len(seen.results))
    tested = {name for result in seen.results for name in result.scenarios}
    absent = sorted(set(seen.wanted) - tested)
    if absent or not seen.results:
        told = f"no test of {', '.join(absent)}" if absent else "the folder has no tests"
        cure = "write one and mark it with `@pytest.mark.scenario(NAME)`"
        return Ruling.inconclusive("no-test", told, cure=cure)
    skipped = [result for result in seen.results if result.outcome == "skipped"]
    if skipped:
        told = f"{len(skipped)} tests were skipped: {skipped[0].test}: {skipped[0].message}"
        cure = "give the tests what they need, or waive the control"
        return Ruling.inconclusive("skipped", told, cure=cure)
    return None


def _finding(result: TestResult) -> Finding:
    name = ", ".join(result.scenarios) or result.test
    said = result.message.strip().splitlines() or [result.outcome]
    told = f"{name}: {said[0]}" if result.outcome != "xfailed" else f"{name}: is expected to fail"
    place = Location(result.file, result.line, coordinate=result.test)
    cure = "see the log of pytest in the evidence; run it again with `certify --only scenario`"
    return Finding(f"scenario-{result.outcome}", told, location=place, cure=cure, context=result.test)


def seed_passes(seen: ScenarioObservation, criteria: Criteria) -> Iterator[Seeded[ScenarioObservation]]:
    """Tests that fail, break, or are expected to fail, as many as break the limit; then all of them."""
    if not seen.results:
        return
    count = max(1, criteria["failures"].beyond())
    added = max(0, count - len(seen.results))
    several = seen.results + tuple(TestResult(f"seeded[{number}]", seen.wanted) for number in range(added))
    for outcome in _BAD:
        spoilt = tuple(replace(result, outcome=outcome, message="seeded") for result in several[:count])
        yield Seeded(f"test {outcome}", replace(seen, results=spoilt + several[count:]), f"scenario-{outcome}")
    dead = tuple(replace(result, outcome="failed", message="seeded") for result in several)
    yield Seeded("every test failed", replace(seen, results=dead), "scenario-failed")
