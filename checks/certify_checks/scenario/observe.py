"""All that the scenario check does: it runs pytest with the plugin that gives the stack, and reads the results."""

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from certify.api import Context
from certify_checks.scenario.decoy import PREFIX, write_decoys
from certify_checks.scenario.evidence import keep, positions
from certify_checks.scenario.junit import JUnitError, read_junit
from certify_checks.scenario.model import Handover, ScenarioConfig, ScenarioObservation, TestResult
from certify_checks.scenario.running import RESULTS, Round, Suite, run_tests
from certify_checks.scenario.spoiling import spoil

_REPEATED = frozenset({"failed", "error"})
# The services of most stacks send their spans within a second.
_SPANS_SETTLE = 1.0
_TOLD = 20


async def observe(ctx: Context, config: ScenarioConfig) -> ScenarioObservation:
    """Run the tests of the folder, with decoys among them; then those that failed; then with things spoilt."""
    seen = _imported(ctx, config)
    folder = next((path for name in config.folder if (path := _place(ctx, name)).is_dir()), None)
    if folder is None and (seen.results or seen.unread):
        return _told(ctx, seen)
    if folder is None:
        named = ", ".join(config.folder) or "none is named"
        return replace(seen, problem=f"there is no folder of scenarios: {named}")
    ctx.tell(f"running scenarios of {folder.name}")
    home = ctx.scratch.resolve() / "scenario"
    suite = Suite(ctx, config, folder.resolve(), home, time.monotonic() + config.timeout.seconds)
    return _told(ctx, await _run(suite, seen))


async def _run(suite: Suite, seen: ScenarioObservation) -> ScenarioObservation:
    ctx, config = suite.ctx, suite.config
    mailbox = config.mailbox or str(ctx.stack.credentials.get("mailbox", ""))
    given = Handover(ctx.stack, "", config.scenarios, mailbox)
    decoys = write_decoys(suite.home / "decoys")
    began = await asyncio.to_thread(positions, ctx.stack)
    ran, found = await run_tests(suite, given, Round("pytest", (str(suite.folder), str(decoys)), config.workers))
    own = tuple(result for result in found if not _is_decoy(result))
    settled = await _repeat(suite, given, own)
    altered = await spoil(suite, given, settled)
    if ctx.stack.spans and not altered:
        await asyncio.sleep(_SPANS_SETTLE)
    await asyncio.to_thread(keep, ctx, began, settled)
    return replace(
        seen,
        problem="" if ran.code in RESULTS else ran.complaint,
        code=ran.code,
        elapsed_us=ran.elapsed_us,
        results=tuple(replace(result, output="") for result in settled) + seen.results,
        decoys=tuple(replace(result, output="") for result in found if _is_decoy(result)),
        alterations=config.selftest.alter,
        altered=altered,
    )


async def _repeat(suite: Suite, given: Handover, results: tuple[TestResult, ...]) -> tuple[TestResult, ...]:
    """Try again what failed; what passes then is flaky, with what was said of the failure."""
    for number in range(1, suite.config.repeats + 1):
        red = [result for result in results if result.outcome in _REPEATED and "::" in result.test]
        if not red:
            break
        suite.ctx.tell(f"repeating {len(red)} tests that failed")
        tests = tuple(str(suite.folder / result.test) for result in red)
        _, found = await run_tests(suite, given, Round(f"repeat-{number}", tests))
        green = {result.test for result in found if result.outcome == "passed"}
        results = tuple(
            replace(result, outcome="flaky") if result in red and result.test in green else result for result in results
        )
    return results


def _imported(ctx: Context, config: ScenarioConfig) -> ScenarioObservation:
    """What other runners have left."""
    results: list[TestResult] = []
    unread: list[str] = []
    for given in config.junit:
        try:
            found = read_junit(_place(ctx, given.file), given)
        except JUnitError as error:
            unread.append(str(error))
        else:
            mapped = sum(bool(result.scenarios) for result in found)
            counts = "count" if config.accept_unverified else "prove nothing"
            told = f"{given.file}: {len(found)} results of {given.runner}, {mapped} of scenarios, {counts}"
            ctx.weaken("unverified", told)
            wanted = set(config.scenarios)
            results += (one for one in found if not wanted or not wanted.isdisjoint(one.scenarios))
    return ScenarioObservation(
        config.scenarios, results=tuple(results), unread=tuple(unread), accepted=config.accept_unverified
    )


def _told(ctx: Context, seen: ScenarioObservation) -> ScenarioObservation:
    """Put into the ledger what makes the run say less than its number of tests."""
    for outcome, kind in (("skipped", "skipped-test"), ("xfailed", "expected-failure"), ("flaky", "flaky-test")):
        found = [result for result in seen.results if result.outcome == outcome]
        for result in found[:_TOLD]:
            said = (result.message.strip().splitlines() or [""])[0][:200]
            ctx.weaken(kind, f"{result.test}: {said}".rstrip(": "))
        if len(found) > _TOLD:
            ctx.weaken(kind, f"and {len(found) - _TOLD} more")
    if not seen.alterations:
        ctx.weaken(
            "no-alteration", "nothing was spoilt to see whether the scenarios notice it (`selftest: {alter: [...]}`)"
        )
    return seen


def _place(ctx: Context, name: str) -> Path:
    return (ctx.source_root or Path()) / name


def _is_decoy(result: TestResult) -> bool:
    return any(name.startswith(PREFIX) for name in result.scenarios)
