"""Source that several services share, held against all of their suites: each service uses another part of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import coverage
import msgspec
from msgspec.structs import replace

from certify_checks.coverage.model import Figures, SuiteRun
from certify_checks.coverage.suite import DATA, figures, relative
from certify_checks.http import describe


def with_shared(
    runs: Sequence[SuiteRun], homes: Mapping[str, Path], root: Path, shared: Sequence[str]
) -> list[SuiteRun]:
    """The runs, with the figures of shared files taken from all suites.

    Args:
        runs: of all suites.
        homes: service -> the folder in which its suite left its data.
        root: of the source.
        shared: folders below it.
    """
    data = [str(home / DATA) for home in homes.values() if (home / DATA).is_file()]
    if not shared or not data:
        return list(runs)
    try:
        found = _figures(data, root, shared)
    except (coverage.CoverageException, OSError, msgspec.DecodeError) as error:
        problem = f"nothing was measured of the shared source: {describe(error)}"
        return [replace(run, problem=run.problem or problem) for run in runs]
    return [_counted(run, found) for run in runs]


def _figures(data: list[str], root: Path, shared: Sequence[str]) -> dict[str, Figures]:
    file = Path(data[0]).with_name("shared")
    together = coverage.Coverage(data_file=str(file), config_file=False, branch=True)
    together.combine(data, strict=True, keep=True)
    report = file.with_suffix(".json")
    together.json_report(outfile=str(report), include=[f"{root / folder}/*" for folder in shared])
    told = msgspec.json.decode(report.read_bytes())["files"]
    return {(name := relative(path, root)): figures(name, one["summary"]) for path, one in told.items()}


def _counted(run: SuiteRun, found: Mapping[str, Figures]) -> SuiteRun:
    if run.total is None:
        return run
    files = tuple(found.get(one.name, one) for one in run.files)
    return replace(run, files=files, total=added(files))


def added(files: Sequence[Figures]) -> Figures:
    """The figures of all files."""
    return Figures(
        "",
        sum(one.lines for one in files),
        sum(one.lines_covered for one in files),
        sum(one.branches for one in files),
        sum(one.branches_covered for one in files),
        sum(one.excluded for one in files),
    )
