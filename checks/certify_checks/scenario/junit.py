"""Results of other runners out of JUnit XML. The files come from elsewhere, so they are hostile.

Document types, and with them entities, are refused; size, depth and number of tests have limits. A file with fewer tests
than it says has lost some, and is refused too.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from certify_checks.scenario.model import JUnitConfig, TestResult

LARGEST = 32 << 20
DEEPEST = 40
MOST = 100_000
_TEXT = 2_000
_NAME = 300
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


class JUnitError(Exception):
    """The file cannot be used; the message names file, line, cause and cure."""


def read_junit(path: Path, given: JUnitConfig) -> tuple[TestResult, ...]:
    """The results in a file, each with the scenario that its name is mapped to.

    Raises:
        JUnitError: there is no such file, it is no JUnit XML, or it is too large, too deep, or incomplete.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise JUnitError(
                f"{given.file}: {size} bytes are more than {LARGEST}; have {given.runner} write less output"
            )
        with path.open("rb") as file:
            return tuple(_results(file, given))
    except OSError as error:
        cure = f"have {given.runner} write it before certify runs"
        raise JUnitError(f"{given.file}: {error.strerror or error}; {cure}") from error
    except DefusedXmlException as error:
        raise JUnitError(f"{given.file}: it has a document type or entities, which no JUnit file needs") from error
    except ParseError as error:
        line, column = error.position
        raise JUnitError(f"{given.file}:{line}:{column + 1}: no XML: {str(error).partition(':')[0]}") from error
    except (ValueError, LookupError) as error:
        # An encoding that is not known, a null byte.
        raise JUnitError(f"{given.file}: no XML: {error}") from error


def _results(file: Any, given: JUnitConfig) -> Iterator[TestResult]:
    """One pass over the file; what was read is forgotten at once."""
    suites: list[tuple[str, int]] = []
    depth = count = 0
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            depth += 1
            _check_root(element, depth, given)
            if element.tag == "testsuite":
                suites.append((element.get("name", ""), count + _declared(element, given)))
            continue
        depth -= 1
        if element.tag == "testcase":
            count += 1
            if count > MOST:
                raise JUnitError(f"{given.file}: more than {MOST} tests")
            yield _result(element, suites[-1][0] if suites else "", given)
            element.clear()
        elif element.tag == "testsuite":
            _, expected = suites.pop()
            if count < expected:
                raise JUnitError(
                    f"{given.file}: suite {element.get('name', '')[:_NAME]!r} lacks {expected - count} tests"
                )
            element.clear()


def _check_root(element: Element, depth: int, given: JUnitConfig) -> None:
    if depth == 1 and element.tag not in {"testsuites", "testsuite"}:
        raise JUnitError(
            f"{given.file}: <{element.tag[:40]}> is not the root of a JUnit file: <testsuites> or <testsuite>"
        )
    if depth > DEEPEST:
        raise JUnitError(f"{given.file}: more than {DEEPEST} elements inside of one another")


def _declared(suite: Element, given: JUnitConfig) -> int:
    said = suite.get("tests", "0")
    if not said.isdecimal() or len(said) > 9:
        raise JUnitError(f"{given.file}: the number of tests of a suite is {said[:20]!r}")
    return int(said)


def _result(case: Element, suite: str, given: JUnitConfig) -> TestResult:
    name = " > ".join(part[:_NAME] for part in (suite, case.get("classname", ""), case.get("name", "")) if part)
    outcome, message = "passed", ""
    for child in case:
        if child.tag in _OUTCOMES and outcome == "passed":
            outcome = _OUTCOMES[child.tag]
            message = (child.get("message") or child.text or "").strip()[:_TEXT]
    scenario = next((to for pattern, to in given.scenarios.items() if fnmatchcase(name, pattern)), "")
    line = case.get("line", "0")
    return TestResult(
        name or "?",
        (scenario,) if scenario else (),
        outcome,
        message,
        case.get("file", "")[:_NAME] or given.file,
        int(line) if line.isdecimal() and len(line) < 8 else 0,
        _microseconds(case.get("time", "")),
        runner=given.runner,
    )


def _microseconds(seconds: str) -> int:
    try:
        return max(0, min(int(float(seconds) * 1_000_000), 86_400_000_000))
    except (ValueError, OverflowError):
        return 0
