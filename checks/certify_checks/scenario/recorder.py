"""Writes down how each test ended, as soon as it has ended."""

from pathlib import Path

import msgspec
import pytest

from certify_checks.scenario.model import TestResult

SCENARIO, TRACE, NOTICES = "certify-scenario", "certify-trace", "certify-notices"
_MESSAGE = 2_000
_OUTPUT = 20_000
_WORST = ("error", "failed", "xfailed", "skipped", "passed")


def write(file: Path, result: TestResult) -> None:
    """Append one line; short ones of several processes do not mix."""
    with file.open("ab", buffering=0) as output:
        output.write(msgspec.json.encode(result) + b"\n")


class CollectionRecorder:
    """Writes down files that could not be read or were left out whole: their tests would be gone without a word."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Hear of one file."""
        if report.outcome != "passed":
            outcome = "error" if report.outcome == "failed" else "skipped"
            write(self._file, TestResult(report.nodeid, (), outcome, said(report.longrepr)[2], report.nodeid))


class Recorder:
    """Writes one line for each test as soon as it has ended, so that nothing is lost when the rest is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._parts: dict[str, list[TestResult]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of one part of one test; the report of a process that died has no name for its part."""
        parts = self._parts.setdefault(report.nodeid, [])
        parts.append(part_of(report))
        if report.when not in {"setup", "call"}:
            worst = min(parts, key=lambda part: _WORST.index(part.outcome))
            elapsed = sum(part.elapsed_us for part in parts)
            output = "\n".join(f"{title}\n{text}" for title, text in report.sections)[-_OUTPUT:]
            write(self._file, msgspec.structs.replace(worst, elapsed_us=elapsed, output=output))


def said(longrepr: object) -> tuple[str, int, str]:
    """File, line and message in what pytest shows of a failure; empty where it says nothing."""
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.path), int(crash.lineno), str(crash.message)[:_MESSAGE]
    if isinstance(longrepr, tuple):
        return str(longrepr[0]), int(longrepr[1]), str(longrepr[2])[:_MESSAGE]
    return "", 0, str(longrepr or "").strip().rpartition("\n")[2][:_MESSAGE]


def part_of(report: pytest.TestReport) -> TestResult:
    """One part (set-up, call, tear-down) of one test."""
    outcome: str = report.outcome
    if outcome == "failed" and report.when != "call":
        outcome = "error"
    if outcome == "skipped" and hasattr(report, "wasxfail"):
        outcome = "xfailed"
    file, line, message = said(report.longrepr)
    if outcome == "xfailed":
        message = str(report.wasxfail).removeprefix("reason: ")
    kept: dict[str, list[str]] = {SCENARIO: [], TRACE: [], NOTICES: []}
    for name, values in report.user_properties:
        if name in kept and isinstance(values, list):
            kept[name] += map(str, values)
    return TestResult(
        report.nodeid,
        tuple(kept[SCENARIO]),
        outcome,
        message,
        file or report.location[0],
        line or (report.location[1] or 0) + 1,
        int(report.duration * 1_000_000),
        "".join(kept[TRACE][-1:]),
        tuple(kept[NOTICES]),
    )
