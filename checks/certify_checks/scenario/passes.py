"""Whether each scenario has a test that ran and passed, and whether the tests would notice what goes wrong."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded
from certify_checks.scenario.decoy import misjudged
from certify_checks.scenario.model import Altered, ScenarioObservation, TestResult

# Limit -> outcomes that it counts.
COUNTED = {"failures": ("failed", "error"), "flaky": ("flaky",), "expected-failures": ("xfailed",)}
LIMITS = {**dict.fromkeys(COUNTED, "== 0"), "skipped": "== 0"}
Judge = Callable[[ScenarioObservation, Criteria], Ruling]
Seed = Callable[[ScenarioObservation, Criteria], Iterator[Seeded[ScenarioObservation]]]


def judge_passes(seen: ScenarioObservation, criteria: Criteria) -> Ruling:
    """A failure is a failure whatever else is missing; a scenario without a test that ran leaves it open."""
    if not seen.results and seen.problem:
        cure = "name the folder in `with: {folder: [...]}`, and see the log of pytest in the evidence"
        return Ruling.inconclusive("not-run", seen.problem, cure=cure)
    if any(result.verified for result in seen.results) and (wrong := misjudged(seen)):
        told = f"tests with known results ended otherwise: {wrong}"
        return Ruling.inconclusive("sensor-blind", told, cure="see the log of pytest in the evidence")
    findings, measurements, held = _counted(seen, criteria)
    if held and (doubt := _doubt(seen, criteria) or _missed(seen)):
        return doubt
    passed = sum(result.outcome == "passed" for result in seen.results)
    names = {name for result in seen.results for name in result.scenarios}
    noticed = f"; {len(seen.altered)} alterations noticed" if held and seen.altered else ""
    return Ruling(
        Outcome.PASS if held else Outcome.FAIL,
        f"{passed} of {len(seen.results)} tests of {len(names)} scenarios passed{noticed}",
        examined=sum(result.verified or seen.accepted for result in seen.results),
        findings=findings,
        measurements=measurements,
    )


def of_scenario(name: str) -> tuple[Judge, Seed]:
    """The judgement of one scenario alone, and its seeds."""

    def only(seen: ScenarioObservation) -> ScenarioObservation:
        results = tuple(result for result in seen.results if name in result.scenarios)
        claimed = {kind for result in results for kind in result.notices}
        altered = (
            replace(one, results=tuple(result for result in one.results if name in result.scenarios))
            for one in seen.altered
            if one.alteration in claimed
        )
        kinds = tuple(kind for kind in seen.alterations if kind in claimed)
        return replace(seen, wanted=(name,), results=results, altered=tuple(altered), alterations=kinds)

    def judge(seen: ScenarioObservation, criteria: Criteria) -> Ruling:
        return judge_passes(only(seen), criteria)

    def seed(seen: ScenarioObservation, criteria: Criteria) -> Iterator[Seeded[ScenarioObservation]]:
        return seed_passes(only(seen), criteria)

    return judge, seed


def _counted(
    seen: ScenarioObservation, criteria: Criteria
) -> tuple[tuple[Finding, ...], tuple[Measurement, ...], bool]:
    findings: list[Finding] = []
    measurements: list[Measurement] = []
    for name, outcomes in COUNTED.items():
        found = [_finding(result) for result in seen.results if result.outcome in outcomes]
        limit = criteria[name]
        if not limit.holds(len(found)) or name == "failures":
            findings += found
        measurements.append(Measurement(name, len(found), limit=limit, samples=len(seen.results)))
    return tuple(findings), tuple(measurements), all(one.limit and one.limit.holds(one.value) for one in measurements)


def _doubt(seen: ScenarioObservation, criteria: Criteria) -> Ruling | None:
    """Why the tests that passed are not enough."""
    if seen.problem:
        cure = "see the log of pytest in the evidence"
        return Ruling.inconclusive("not-finished", seen.problem, cure=cure, examined=len(seen.results))
    if seen.unread:
        cure = "have the runner write it anew, as JUnit XML without a document type"
        return Ruling.inconclusive("junit-unreadable", "; ".join(seen.unread), cure=cure)
    skipped = [result for result in seen.results if result.outcome == "skipped"]
    if skipped and not criteria["skipped"].holds(len(skipped)):
        told = f"{len(skipped)} tests were skipped: {skipped[0].test}: {skipped[0].message}"
        cure = "give the tests what they need, allow it by the limit `skipped`, or waive the control"
        return Ruling.inconclusive("skipped", told, cure=cure)
    return _untested(seen)


def _untested(seen: ScenarioObservation) -> Ruling | None:
    """A scenario that no test has run, or only tests that nobody saw run."""
    ran = [result for result in seen.results if result.outcome != "skipped"]
    counting = [result for result in ran if result.verified or seen.accepted]
    tested, told_of = ({name for result in some for name in result.scenarios} for some in (counting, ran))
    absent = sorted(set(seen.wanted) - tested)
    if not absent and counting:
        return None
    if ran and set(absent) <= told_of:
        what = ", ".join(absent) or "all of it"
        cure = "test it in the folder of scenarios, or accept it by `with: {accept_unverified: true}`"
        return Ruling.inconclusive("unverified", f"only another runner has tested {what}", cure=cure)
    told = f"no test of {', '.join(absent)} has run" if absent else "no test has run"
    cure = "write one and mark it with `@pytest.mark.scenario(NAME)`"
    return Ruling.inconclusive("no-test", told, cure=cure)


def _missed(seen: ScenarioObservation) -> Ruling | None:
    """Alterations that the tests did not notice: then that they pass says little."""
    known = {one.alteration: one for one in seen.altered}
    why = [f"{kind}: {missed}" for kind in seen.alterations if (missed := _overlooked(known.get(kind)))]
    if not why:
        return None
    cure = "assert on it, and mark the test with `@pytest.mark.notices(...)`; see docs/checks/scenario.md"
    return Ruling.inconclusive("self-test-missed", "; ".join(why), cure=cure)


def _overlooked(altered: Altered | None) -> str:
    """Why an alteration was not surely noticed; empty when it was."""
    if altered is None:
        return "no test claims to notice it"
    if altered.problem:
        return f"the tests could not be run again: {altered.problem}"
    if altered.broken:
        return f"{altered.broken} requests broke on the way, so nothing is known"
    if not altered.times:
        return "nothing was there to alter"
    green = [result.test for result in altered.results if result.outcome != "failed"]
    if not altered.results or green:
        return f"{green[0]} did not fail" if green else "no test ran"
    return ""


def _finding(result: TestResult) -> Finding:
    name = ", ".join(result.scenarios) or result.test
    said = result.message.strip().splitlines() or [result.outcome]
    told = f"{name}: {said[0]}"
    if result.outcome == "xfailed":
        told = f"{name}: is expected to fail"
    elif result.outcome == "flaky":
        told = f"{name}: failed and then passed: {said[0]}"
    if result.runner:
        told = f"{told} ({result.runner}, unverified)"
    place = Location(result.file, result.line, coordinate=result.test)
    cure = "see the test's own file in the evidence; run it again with `certify --only scenario`"
    return Finding(f"scenario-{result.outcome}", told, location=place, cure=cure, context=result.test)


def seed_passes(seen: ScenarioObservation, criteria: Criteria) -> Iterator[Seeded[ScenarioObservation]]:
    """For each limit as many tests as break it; then all of them failed."""
    if not seen.results:
        return
    for name, outcomes in COUNTED.items():
        for outcome in outcomes:
            count = max(1, criteria[name].beyond())
            spoilt = _spoilt(seen, outcome, count)
            yield Seeded(f"test {outcome}", replace(seen, results=spoilt), f"scenario-{outcome}")
    count = max(1, criteria["failures"].beyond())
    dead = _spoilt(seen, "failed", max(count, len(seen.results)))
    yield Seeded("every test failed", replace(seen, results=dead), "scenario-failed")


def _spoilt(seen: ScenarioObservation, outcome: str, count: int) -> tuple[TestResult, ...]:
    added = (TestResult(f"seeded[{number}]", seen.wanted) for number in range(count - len(seen.results)))
    several = (*seen.results, *added)
    bad = (replace(result, outcome=outcome, message="seeded") for result in several[:count])
    return (*bad, *several[count:])
