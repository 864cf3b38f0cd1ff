"""Whether the suite of each service runs enough of its lines and branches."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from certify.api import (
    Criteria,
    Finding,
    Limit,
    Location,
    Measurement,
    Outcome,
    Ruling,
    Seeded,
    format_quantity,
)
from certify_checks.coverage.decoy import blind
from certify_checks.coverage.model import CoverageObservation, Figures, SuiteRun

_WORST = 3


def judge_figures(seen: CoverageObservation, criteria: Criteria) -> Ruling:
    """Each service by itself; one without figures leaves the question open, unless another is below the limit."""
    runs = [run for run in seen.runs if criteria.covers(run.service)]
    if doubt := _doubt(seen, runs):
        return doubt
    findings = tuple(finding for run in runs for finding in _findings(run, criteria))
    unknown = [run for run in runs if run.command and not _measured(run)]
    if unknown and not findings:
        told = "; ".join(f"{run.service}: {run.problem or 'no lines'}" for run in unknown)
        cure = "see the suite's log in the evidence; run its command by hand"
        return Ruling.inconclusive("no-data", told, cure=cure, examined=len(runs) - len(unknown))
    return Ruling(
        Outcome.FAIL if findings else Outcome.PASS,
        _summary(runs),
        examined=len(runs) - len(unknown),
        findings=findings,
        measurements=tuple(one for run in runs for one in _measurements(run, criteria)),
    )


def _doubt(seen: CoverageObservation, runs: list[SuiteRun]) -> Ruling | None:
    if not runs or not any(run.command for run in seen.runs):
        cure = "give services `tests: pytest FOLDER` and `source:`"
        return Ruling.inconclusive("no-suites", "no service has a suite", cure=cure)
    return blind(seen)


def _measured(run: SuiteRun) -> bool:
    return bool(run.total and run.total.lines and not run.problem)


def _kinds(figures: Figures) -> tuple[tuple[str, int, int, int], ...]:
    """(name, share, covered, of how many) of lines and, when the source has any, branches."""
    lines = ("lines", figures.lines_ppm, figures.lines_covered, figures.lines)
    branches = ("branches", figures.branches_ppm, figures.branches_covered, figures.branches)
    return (lines, branches) if figures.branches else (lines,)


def _measurements(run: SuiteRun, criteria: Criteria) -> Iterator[Measurement]:
    if run.total and _measured(run):
        for name, share, _, count in _kinds(run.total):
            yield Measurement(name, share, "ppm", criteria[name], samples=count, service=run.service)
        if run.total.excluded:
            yield Measurement("excluded lines", run.total.excluded, service=run.service)


def _findings(run: SuiteRun, criteria: Criteria) -> Iterator[Finding]:
    place = Location(service=run.service)
    if not run.command:
        cure = f"write a suite and name it: `{run.service}: {{tests: pytest FOLDER}}`"
        yield Finding("no-suite", f"{run.service} has no suite", location=place, cure=cure)
    if run.total is None or not _measured(run):
        return
    for name, share, covered, count in _kinds(run.total):
        limit = criteria[name]
        if not limit.holds(share):
            told = f"{run.service}: {format_quantity(share, 'ppm')} of {name} ({covered} of {count}), not {limit}"
            cure = f"test what does not run yet, most of it in {_worst(run, name)}"
            yield Finding(f"{name}-uncovered", told, location=place, cure=cure, context=name)


def _worst(run: SuiteRun, name: str) -> str:
    missing: Callable[[Figures], int] = (
        (lambda one: one.lines - one.lines_covered)
        if name == "lines"
        else (lambda one: one.branches - one.branches_covered)
    )
    files = sorted((one for one in run.files if missing(one)), key=missing, reverse=True)[:_WORST]
    return ", ".join(f"{one.name} ({missing(one)} of its {name})" for one in files) or "its source"


def _summary(runs: list[SuiteRun]) -> str:
    totals = [(run.total, run.service) for run in runs if run.total and _measured(run)]
    if not totals:
        return "no service was measured"
    lowest, owner = min(totals, key=lambda pair: pair[0].lines_ppm)
    branching = [pair for pair in totals if pair[0].branches]
    told = f"{len(totals)} suites; lowest: {format_quantity(lowest.lines_ppm, 'ppm')} of lines ({owner})"
    if branching:
        weakest, holder = min(branching, key=lambda pair: pair[0].branches_ppm)
        told += f", {format_quantity(weakest.branches_ppm, 'ppm')} of branches ({holder})"
    return told


def seed_figures(seen: CoverageObservation, criteria: Criteria) -> Iterator[Seeded[CoverageObservation]]:
    """Lines, then branches, then both, just beyond the limit; none at all; a suite that is gone."""
    run = next((run for run in seen.runs if criteria.covers(run.service) and _measured(run)), None)
    if run is None or run.total is None:
        return
    total = run.total

    def spoilt(**changes: int) -> CoverageObservation:
        return _with(seen, replace(run, total=replace(total, **changes)))

    lines = _short(total.lines, criteria["lines"])
    yield Seeded("lines just beyond the limit", spoilt(lines_covered=lines), "lines-uncovered")
    if total.branches:
        branches = _short(total.branches, criteria["branches"])
        yield Seeded("branches just beyond the limit", spoilt(branches_covered=branches), "branches-uncovered")
    yield Seeded("nothing runs", spoilt(lines_covered=0, branches_covered=0), "lines-uncovered")
    if any(other.command for other in seen.runs if other.service != run.service):
        yield Seeded("suite is gone", _with(seen, SuiteRun(run.service)), "no-suite")


def _short(count: int, limit: Limit) -> int:
    """The largest number of `count` whose share breaks the limit (for limits from below)."""
    return min(count, limit.beyond() * count // 1_000_000) if limit.operator.startswith(">") else count


def _with(seen: CoverageObservation, changed: SuiteRun) -> CoverageObservation:
    runs = tuple(changed if run.service == changed.service else run for run in seen.runs)
    return replace(seen, runs=runs)
