"""All that the scenario check does: it runs pytest with the plugin that gives the stack, and reads the results."""

import os
import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from certify.api import Context
from certify_checks.commands import Ran, run
from certify_checks.scenario.decoy import PREFIX, write_decoys
from certify_checks.scenario.model import Handover, ScenarioConfig, ScenarioObservation, TestResult
from certify_checks.scenario.plugin import HANDOVER

# 0: all passed, 1: some failed. With decoys that fail it is 1.
_RESULTS = {0, 1}


async def observe(ctx: Context, config: ScenarioConfig) -> ScenarioObservation:
    """Run the tests of the folder, with decoys among them."""
    seen = ScenarioObservation(config.scenarios)
    folder = next((path for name in config.folder if (path := _place(ctx, name)).is_dir()), None)
    if folder is None:
        named = ", ".join(config.folder) or "none is named"
        return replace(seen, problem=f"there is no folder of scenarios: {named}")
    ctx.tell(f"running scenarios of {folder.name}")
    home = ctx.scratch.resolve() / "scenario"
    decoys = write_decoys(home / "decoys")
    results = home / "results.jsonl"
    results.touch()
    ran = await _run(ctx, config, folder.resolve(), decoys, results)
    found = tuple(_relative(result, folder.resolve(), ctx) for result in read_results(results))
    return replace(
        seen,
        problem="" if ran.code in _RESULTS else ran.complaint,
        code=ran.code,
        elapsed_us=ran.elapsed_us,
        results=tuple(result for result in found if not _is_decoy(result)),
        decoys=tuple(result for result in found if _is_decoy(result)),
    )


def _place(ctx: Context, name: str) -> Path:
    return (ctx.source_root or Path()) / name


async def _run(ctx: Context, config: ScenarioConfig, folder: Path, decoys: Path, results: Path) -> Ran:
    home = results.parent
    given = home / "handover.json"
    write_private(given, msgspec.json.encode(Handover(ctx.stack, str(results), config.scenarios)))
    settings = home / "pytest.ini"
    settings.write_text("[pytest]\naddopts = --import-mode=importlib --strict-markers\n", encoding="utf-8")
    return await run(
        [
            *(sys.executable, "-m", "pytest", "-c", str(settings), f"--rootdir={folder}", f"--confcutdir={folder}"),
            *("-p", "certify_checks.scenario.plugin", "-p", "no:cacheprovider", "-q", "--color=no"),
            *(word for plugin in config.without for word in ("-p", f"no:{plugin}")),
            *(f"--basetemp={home / 'tmp'}", "-n", str(config.workers), str(folder), str(decoys)),
        ],
        folder=folder,
        seconds=config.timeout.seconds,
        log=ctx.evidence / "pytest.log",
        environment={HANDOVER: str(given)},
    )


def write_private(path: Path, content: bytes) -> None:
    """Write a file that holds passwords."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def read_results(file: Path) -> list[TestResult]:
    """The results as far as they were written, each once; a last line that was cut off is left out."""
    lines = [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    found = [msgspec.json.decode(line, type=TestResult) for line in lines]
    return list({result.test: result for result in found}.values())


def _is_decoy(result: TestResult) -> bool:
    return any(name.startswith(PREFIX) for name in result.scenarios)


def _relative(result: TestResult, folder: Path, ctx: Context) -> TestResult:
    """Name the file as seen from the source root, so that it is the same on every machine."""
    root = (ctx.source_root or folder).resolve()
    path = (folder / result.file).resolve()
    return replace(result, file=path.relative_to(root).as_posix()) if path.is_relative_to(root) else result
