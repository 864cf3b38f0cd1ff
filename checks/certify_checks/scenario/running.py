"""One run of pytest with the plugin: what it is given, and what came of it."""

import os
import sys
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from certify.api import Context
from certify_checks.commands import Ran, run
from certify_checks.scenario.model import Handover, ScenarioConfig, TestResult
from certify_checks.scenario.talk import HANDOVER

# 0: all passed, 1: some failed. With decoys that fail it is 1.
RESULTS = frozenset({0, 1})
_SETTINGS = "[pytest]\naddopts = --import-mode=importlib --strict-markers\n"


class Suite(msgspec.Struct, frozen=True):
    """The scenarios' folder and what all runs over it share; `home` is a private folder, `deadline` ends all runs."""

    ctx: Context
    config: ScenarioConfig
    folder: Path
    home: Path
    deadline: float

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least one."""
        return max(1.0, self.deadline - time.monotonic())


class Round(msgspec.Struct, frozen=True):
    """One run: the name of its log and folder, and which files, folders or node ids; `seconds` 0: until the deadline."""

    name: str
    tests: tuple[str, ...]
    workers: int = 0
    seconds: float = 0.0


async def run_tests(suite: Suite, given: Handover, one: Round) -> tuple[Ran, tuple[TestResult, ...]]:
    """Run tests in a process of their own."""
    home = suite.home / one.name
    home.mkdir(parents=True)
    results, note, settings = home / "results.jsonl", home / "handover.json", home / "pytest.ini"
    results.touch()
    write_private(note, msgspec.json.encode(replace(given, results=str(results))))
    settings.write_text(_SETTINGS, encoding="utf-8")
    ran = await run(
        [
            *(sys.executable, "-m", "pytest", "-c", str(settings)),
            *(f"--rootdir={suite.folder}", f"--confcutdir={suite.folder}", "-q", "--color=no"),
            *("-p", "certify_checks.scenario.plugin", "-p", "no:cacheprovider"),
            *(word for plugin in suite.config.without for word in ("-p", f"no:{plugin}")),
            *(f"--basetemp={home / 'tmp'}", "-n", str(one.workers), *one.tests),
        ],
        folder=suite.folder,
        seconds=min(one.seconds or suite.left, suite.left),
        log=suite.ctx.evidence / f"{one.name}.log",
        environment={HANDOVER: str(note)},
    )
    return ran, tuple(_relative(result, suite) for result in read_results(results))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that holds passwords."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def read_results(file: Path) -> list[TestResult]:
    """The results as far as they were written, each once; a last line that was cut off is left out."""
    lines = [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    found = [msgspec.json.decode(line, type=TestResult) for line in lines]
    return list({result.test: result for result in found}.values())


def _relative(result: TestResult, suite: Suite) -> TestResult:
    """Name the file as seen from the source root, so that it is the same on every machine."""
    root = (suite.ctx.source_root or suite.folder).resolve()
    path = (suite.folder / result.file).resolve()
    return replace(result, file=path.relative_to(root).as_posix()) if path.is_relative_to(root) else result
