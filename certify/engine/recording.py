"""Makes the record of a run out of what its scheduler found out."""

import signal
from datetime import UTC, datetime

import msgspec

from certify import __version__
from certify.drivers.interface import Booted, Driver
from certify.engine.assemble import control_results, same_for_all
from certify.engine.component import digest_file, profile_component, source_component
from certify.engine.environment import facts
from certify.engine.plan import Job, Plan, Selection
from certify.engine.registry import Registry
from certify.engine.schedule import Scheduler
from certify.engine.settings import Settings
from certify.engine.workspace import Workspace
from certify.model.check import Capability
from certify.model.decision import PreviousCertificate
from certify.model.escape import visible
from certify.model.outcome import Outcome
from certify.model.record import Component, JobResult, LedgerEntry, Record, Release, RuleResult, ServiceResult, Tool
from certify.model.report import ReportFormat
from certify.model.stack import Stack
from certify.profile.model import Profile
from certify.seal.keys import SigningKey

# The engine's own share of a run is what lies between these spans.
_NOT_ENGINE = ("boot", "job:", "down")


class RunPlan(msgspec.Struct, frozen=True):
    """All that is decided before anything starts. `again` are the arguments that name the stack, to run it again."""

    profile: Profile
    plan: Plan
    registry: Registry
    reports: dict[str, ReportFormat]
    key: SigningKey
    settings: Settings
    selection: Selection = Selection()
    previous: PreviousCertificate | None = None
    again: tuple[str, ...] = ()


class Ended(msgspec.Struct, frozen=True):
    """When the run began (ISO 8601, UTC), how long it took, and the signal that ended it (0: none)."""

    started: str
    elapsed_us: int
    signal: int = 0


def make_record(wanted: RunPlan, driver: Driver, scheduler: Scheduler, workspace: Workspace, ended: Ended) -> Record:
    """The record of a run, also of one that was interrupted: what has no answer is inconclusive."""
    release = _release(wanted, driver, scheduler, workspace)
    timings = scheduler.spans.lengths() | {"total": ended.elapsed_us}
    timings["criticalPath"] = scheduler.spans.covered(_NOT_ENGINE)
    return Record(
        run_id=wanted.settings.run_id,
        profile=wanted.profile.name,
        profile_digest=wanted.profile.digest,
        release=release,
        tool=Tool("certify", __version__, _plugins(wanted.registry)),
        environment=facts() | _booted(scheduler).facts,
        controls=control_results(
            wanted.plan, _answered(wanted.plan, scheduler, workspace), wanted.profile.name, wanted.again
        ),
        services=_services(driver, scheduler),
        jobs=tuple(sorted(scheduler.results.jobs, key=lambda job: job.id)),
        timings=timings,
        ledger=(
            *_ledger(wanted, driver, release, ended.signal),
            *_of_boot(scheduler),
            *scheduler.watch.ledger(),
            *scheduler.results.ledger,
        ),
        started=ended.started,
        finished=utc_now(),
        driver=driver.name,
        seed=wanted.settings.seed,
        resources=scheduler.sampler.resources(),
        interrupted=signal.Signals(ended.signal).name if ended.signal else "",
    )


def _answered(plan: Plan, scheduler: Scheduler, workspace: Workspace) -> dict[str, RuleResult]:
    answered = dict(scheduler.results.answered)
    ended = {job.id: job for job in scheduler.results.jobs}
    for job in plan.jobs:
        answered = _unanswered(job) | answered
        if job.id in ended and _changed(ended[job.id], workspace):
            answered |= same_for_all(
                job,
                Outcome.ERROR,
                "its evidence was changed after it had ended",
                "evidence-changed",
                "find the check that writes into the folders of others, by running them one by one (--only)",
            )
    return answered


def _unanswered(job: Job) -> dict[str, RuleResult]:
    return same_for_all(job, Outcome.INCONCLUSIVE, "the run was interrupted", "interrupted", "run it again")


def _changed(job: JobResult, workspace: Workspace) -> bool:
    folder = workspace.evidence / job.id
    files = (folder / name for name in job.evidence)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return present != set(job.evidence) or [digest_file(path) for path in files] != list(job.evidence.values())


def _release(wanted: RunPlan, driver: Driver, scheduler: Scheduler, workspace: Workspace) -> Release:
    own = (workspace.out.resolve(), workspace.staging.resolve(), workspace.scratch.resolve())
    booted = _booted(scheduler).components
    # A stack that is known by what was booted needs no source beside it, unless the profile names one.
    sourced = () if booted and driver.source_root is None else (driver.source_root,)
    source = tuple(source_component(wanted.profile.name, root, own) for root in sourced)
    profile = profile_component(wanted.profile.name, wanted.profile.digest)
    return Release(wanted.profile.name, bool(wanted.profile.stack.reference), (*source, *booted, profile))


def _plugins(registry: Registry) -> dict[str, str]:
    return {check.id: f"{check.distribution} {check.version}".strip() for check in registry.values()}


def _services(driver: Driver, scheduler: Scheduler) -> tuple[ServiceResult, ...]:
    failures = _booted(scheduler).failures
    results = []
    for service in driver.declared.services:
        booted, last = scheduler.watch.boot.get(service.name), scheduler.watch.last.get(service.name)
        deaths = [death for death in scheduler.watch.deaths if death.part == service.name]
        told = deaths or [event for event in (last,) if event]
        results.append(
            ServiceResult(
                name=service.name,
                state="failed" if service.name in failures else last.state if last else "not-started",
                boot_us=booted.at_us if booted else 0,
                tier=service.tier,
                owner=service.owner,
                detail=visible(failures.get(service.name, told[-1].detail if told else ""), lines=True),
                deaths=sum(death.state == "died" for death in deaths),
            )
        )
    return tuple(results)


def _ledger(wanted: RunPlan, driver: Driver, release: Release, interrupted: int) -> list[LedgerEntry]:
    entries = []
    if wanted.key.origin == "local":
        entries.append(
            LedgerEntry("local-key", "signed with this user's local key: it proves only that this user sealed it")
        )
    if wanted.settings.quick:
        entries.append(LedgerEntry("quick", "--quick: checks were shortened"))
    if wanted.selection.only or wanted.selection.skip:
        text = f"only {list(wanted.selection.only)}, skip {list(wanted.selection.skip)}"
        entries.append(LedgerEntry("narrowed", f"narrowed on the command line: {text}"))
    entries += [entry for component in release.components if (entry := _of_component(component, wanted))]
    if interrupted:
        entries.append(LedgerEntry("interrupted", f"the run was ended by {signal.Signals(interrupted).name}"))
    if Capability.DISPOSABLE not in driver.capabilities:
        entries.append(
            LedgerEntry("not-disposable", "the stack is not disposable: rules that break or fill things did not run")
        )
    return entries


def _of_component(component: Component, wanted: RunPlan) -> LedgerEntry | None:
    """What keeps a certificate from being bound to this component."""
    if component.dirty:
        told = f"the tree has changes that commit {component.commit[:12]} does not hold"
        return LedgerEntry("source-dirty", told)
    if component.status != "unknown":
        return None
    if component.name == wanted.profile.name:
        return LedgerEntry("source-unknown", "the source is in no git repository: commit and tree are unknown")
    return LedgerEntry("source-unknown", f"{component.name} has no digest: nobody can tell later what it was")


def _of_boot(scheduler: Scheduler) -> list[LedgerEntry]:
    """What did not come up, so that no profile can be certified on half a stack by asking nothing about the other."""
    booted = _booted(scheduler)
    notes = [LedgerEntry(kind, visible(text)) for kind, text in booted.notes]
    return notes + [
        LedgerEntry("boot-failed", visible(f"{name}: {text.partition(chr(10))[0]}"))
        for name, text in booted.failures.items()
    ]


def _booted(scheduler: Scheduler) -> Booted:
    return scheduler.watch.booted or Booted(Stack())


def utc_now() -> str:
    """Now, as records write it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
