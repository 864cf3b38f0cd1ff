"""Plays one scene: boot, plant, ask the rules, take everything down; nothing is sealed."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from certify.console.events import Console
from certify.drill.asking import asking
from certify.drill.planting import FaultyDriver, NotPlantedError, patched_copy
from certify.drill.scene import Scene
from certify.drivers.interface import Driver, EnvironmentUnusableError
from certify.engine.conduct import Interruption, conduct, guarded
from certify.engine.plan import Plan, make_plan
from certify.engine.registry import Registry
from certify.engine.runlog import RunLog
from certify.engine.schedule import Scheduler
from certify.engine.settings import Settings
from certify.engine.timing import now_us
from certify.engine.workspace import RUNLOG, Workspace
from certify.model.record import RuleResult
from certify.profile.model import Profile

# The spans of a scheduler in which rules observe.
_OBSERVING = ("job:",)
# (the stack's description, a folder for it, overlays) -> a driver that has not started yet
MakeDriver = Callable[[Profile, Path, tuple[str, ...]], Driver]


class Theatre(msgspec.Struct, frozen=True):
    """What all scenes of a drill have in common. `out` gets a folder with the evidence of each."""

    profile: Profile
    registry: Registry
    make_driver: MakeDriver
    settings: Settings
    out: Path


class Played(msgspec.Struct, frozen=True):
    """What a scene came to.

    Attributes:
        results: rule -> its results, one for each control that asks it.
        unbooted: what did not come up, with the reason.
        problem: why there are no results at all; empty: there are.
        environment: the problem is this machine's, not the scene's.
        seconds_us: from beginning to end.
        observing_us: of it, the time in which at least one rule was observing.
        signal: that ended it; 0: none.
    """

    results: dict[str, tuple[RuleResult, ...]] = {}
    unbooted: dict[str, str] = {}
    problem: str = ""
    environment: bool = False
    seconds_us: int = 0
    observing_us: int = 0
    signal: int = 0


async def play(scene: Scene, theatre: Theatre, console: Console) -> Played:
    """Play one scene and keep its evidence in `theatre.out`.

    Raises:
        OutputFolderError: the evidence cannot be put there.
        PlanError: a rule needs a limit that the profile does not give.
    """
    started = now_us()
    settings = msgspec.structs.replace(theatre.settings, run_id=f"{theatre.settings.run_id}-{scene.name}")
    workspace = Workspace(theatre.out / scene.name, settings.run_id)
    log = RunLog(workspace.evidence / RUNLOG, settings.run_id, console)
    async with guarded(settings.run_id, workspace, log):
        try:
            driver, plan = _prepare(scene, theatre, workspace)
        except NotPlantedError as error:
            return Played(problem=str(error), seconds_us=now_us() - started)
        scheduler = Scheduler(plan, theatre.registry, driver, workspace, log, settings)
        problem, environment, interruption = "", False, Interruption()
        try:
            interruption = await conduct(scheduler, driver, workspace, log)
        except (EnvironmentUnusableError, NotPlantedError) as error:
            problem, environment = str(error), isinstance(error, EnvironmentUnusableError)
        log.close()
        workspace.publish()
    booted = scheduler.watch.booted
    return Played(
        results=_by_rule(plan, scheduler.results.answered),
        unbooted=dict(booted.failures) if booted else {},
        problem=problem,
        environment=environment,
        seconds_us=now_us() - started,
        observing_us=scheduler.spans.covered(_OBSERVING),
        signal=interruption.signal or interruption.late,
    )


def _prepare(scene: Scene, theatre: Theatre, workspace: Workspace) -> tuple[Driver, Plan]:
    profile = asking(theatre.profile, scene)
    overlays = tuple(fault.overlay for fault in scene.faults if fault.overlay)
    inner = theatre.make_driver(profile, workspace.stack, overlays)
    plan = make_plan(profile, theatre.registry, inner.capabilities)
    source = None
    patches = [fault for fault in scene.faults if fault.patch]
    if patches:
        if inner.source_root is None:
            raise NotPlantedError(f"{patches[0].name} changes the source, and the profile names none")
        options = [job.options for job in plan.jobs]
        source = patched_copy(inner.source_root, workspace.scratch / "source", inner.declared, options, patches)
    return FaultyDriver(inner, scene.faults, source), plan


def _by_rule(plan: Plan, answered: dict[str, RuleResult]) -> dict[str, tuple[RuleResult, ...]]:
    found: dict[str, list[RuleResult]] = {}
    for result in _all(plan, answered):
        found.setdefault(result.rule, []).append(result)
    return {rule: tuple(results) for rule, results in found.items()}


def _all(plan: Plan, answered: dict[str, RuleResult]) -> Iterable[RuleResult]:
    yield from answered.values()
    for settled in plan.settled.values():
        yield from settled
