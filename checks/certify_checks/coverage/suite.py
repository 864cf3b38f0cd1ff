"""Running one suite under coverage, and reading what it leaves behind."""

import asyncio
import importlib.util
import shlex
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import coverage
import msgspec
from msgspec.structs import replace

from certify.api import Service
from certify_checks.commands import run
from certify_checks.coverage.model import CoverageConfig, Figures, SuiteRun, Trouble
from certify_checks.http import describe

DATA = "coverage.data"
_MESSAGE = 1_000
# pytest's own: 0 all passed, 1 some failed. Everything else is no result, although there may be a report.
_RESULTS = {0, 1}


class Plan(NamedTuple):
    """How one suite is run: `home` is a folder of its own, `root` that of the source, `suites` below it."""

    root: Path
    home: Path
    log: Path
    config: CoverageConfig
    suites: str = ""
    workers: int = 0


async def run_suite(service: Service, plan: Plan) -> SuiteRun:
    """Run a service's suite with its source measured; whatever goes wrong is told in the result."""
    result = SuiteRun(service.name, service.tests)
    folders = [plan.root / folder for folder in (*service.source, *plan.config.shared)]
    if problem := _problem(service, plan, folders):
        return replace(result, problem=problem)
    try:
        arguments = pytest_arguments(service.tests, plan.suites)
    except ValueError as error:
        return replace(result, problem=str(error))
    plan.home.mkdir(parents=True)
    settings, report = plan.home / "coveragerc", plan.home / "junit.xml"
    settings.write_text(_settings(plan.home, folders, plan.config.omit), encoding="utf-8")
    ran = await run(
        [
            *(sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", *arguments),
            *(
                f"--rootdir={plan.root}",
                "-p",
                "no:cacheprovider",
                "-o",
                "junit_family=xunit1",
                f"--junitxml={report}",
                "--color=no",
                "-q",
            ),
            *(word for plugin in plan.config.without for word in ("-p", f"no:{plugin}")),
            *(f"--basetemp={plan.home / 'tmp'}", *(("-n", str(plan.workers)) if plan.workers else ())),
        ],
        folder=plan.root,
        seconds=plan.config.timeout.seconds,
        log=plan.log,
    )
    result = read_report(replace(result, code=ran.code, elapsed_us=ran.elapsed_us), report)
    if ran.code not in _RESULTS:
        return replace(result, problem=ran.complaint)
    return await asyncio.to_thread(measured, result, settings, plan)


def _problem(service: Service, plan: Plan, folders: Sequence[Path]) -> str:
    if not service.tests:
        return "the profile names no tests"
    if not service.source:
        return "the profile names no source"
    wrong = [str(path.relative_to(plan.root)) for path in folders if not path.is_dir()]
    if wrong:
        return f"no such source folder: {', '.join(wrong)}"
    return "no folder stands for {suites}" if "{suites}" in service.tests and not plan.suites else ""


def pytest_arguments(command: str, suites: str) -> list[str]:
    """The arguments in `pytest ARGUMENTS` or `python -m pytest ARGUMENTS`.

    Raises:
        ValueError: another kind of command, which cannot be measured.
    """
    words = [word.replace("{suites}", suites) for word in shlex.split(command)]
    for head in (["pytest"], ["python", "-m", "pytest"]):
        if words[: len(head)] == head:
            return words[len(head) :]
    raise ValueError(f"tests: {command!r} is not of the form 'pytest ARGUMENTS', which alone can be measured")


def _settings(home: Path, folders: Sequence[Path], omit: Sequence[str]) -> str:
    # Without greenlet's help the code that SQLAlchemy runs inside of one would not be seen.
    kinds = "thread, greenlet" if importlib.util.find_spec("greenlet") else "thread"
    lists = {"source": [str(folder) for folder in folders], "omit": list(omit)}
    listed = "".join(f"{name} =\n    " + "\n    ".join(values) + "\n" for name, values in lists.items() if values)
    return (
        f"[run]\nbranch = true\nparallel = true\ndata_file = {home / DATA}\nconcurrency = {kinds}\n"
        # Workers of pytest-xdist are subprocesses; services that a suite starts may be forks.
        "patch = subprocess, fork, _exit\n"
        "disable_warnings = no-data-collected, module-not-measured, module-not-imported, couldnt-parse, include-ignored\n"
        f"{listed}"
    )


def read_report(result: SuiteRun, report: Path) -> SuiteRun:
    """Add what the JUnit report says."""
    try:
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - our own pytest wrote it, and expat itself limits entities
    except (OSError, ET.ParseError) as error:
        return replace(result, problem=f"no report of the suite: {describe(error)}")
    skips = [node.get("type", "") for case in cases for node in case.iter("skipped")]
    return replace(
        result,
        tests=len({_name(case) for case in cases}),
        skipped=sum(kind != "pytest.xfail" for kind in skips),
        xfailed=sum(kind == "pytest.xfail" for kind in skips),
        troubles=tuple(trouble for case in cases for trouble in _troubles(case)),
    )


def _name(case: ET.Element) -> str:
    return f"{case.get('classname', '')}::{case.get('name', '')}"


def _troubles(case: ET.Element) -> Iterator[Trouble]:
    for kind in ("failure", "error"):
        for node in case.iter(kind):
            message = (node.get("message") or node.text or "").strip()[:_MESSAGE]
            # pytest counts lines from 0 here.
            yield Trouble(_name(case), kind, message, case.get("file", ""), int(case.get("line", -1)) + 1)


def measured(result: SuiteRun, settings: Path, plan: Plan) -> SuiteRun:
    """Add lines and branches, from the data of all processes of the suite."""
    file = plan.home / "coverage.json"
    try:
        measuring = coverage.Coverage(config_file=str(settings))
        measuring.combine()
        measuring.json_report(outfile=str(file))
        report = msgspec.json.decode(file.read_bytes())
    except (coverage.CoverageException, OSError, msgspec.DecodeError) as error:
        return replace(result, problem=f"nothing was measured: {describe(error)}")
    files = (figures(relative(name, plan.root), one["summary"]) for name, one in report["files"].items())
    return replace(result, total=figures("", report["totals"]), files=tuple(files))


def figures(name: str, summary: dict[str, Any]) -> Figures:
    """The figures in one summary of coverage's JSON report."""
    return Figures(
        name,
        summary["num_statements"],
        summary["covered_lines"],
        summary["num_branches"],
        summary["covered_branches"],
        summary["excluded_lines"],
    )


def relative(name: str, root: Path) -> str:
    """A file's path below the root of the source; as it is when it lies elsewhere."""
    path = Path(name).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else name
