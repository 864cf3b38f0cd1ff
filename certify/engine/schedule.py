"""Runs the jobs of a plan: source checks while the stack boots, timing checks alone on the machine."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from certify.console.events import BootState, JobEnded, JobProgress, JobStarted
from certify.drivers.interface import Booted, BootEvent, Driver
from certify.engine import assemble
from certify.engine.check_process import Answers, ask
from certify.engine.lock import machine
from certify.engine.plan import Job, Plan
from certify.engine.protocol import Assignment, Progress
from certify.engine.registry import Registry
from certify.engine.runlog import RunLog
from certify.engine.timing import Spans, now_us
from certify.engine.workspace import Workspace
from certify.model.outcome import Outcome
from certify.model.record import JobResult, LedgerEntry, RuleResult

# What a control that others require may be for them to start; narrowed away on the command line is not a failure.
_SATISFIED = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.SKIPPED})


class Settings(msgspec.Struct, frozen=True):
    """What the user chose for all jobs. `jobs` is how many check processes may run side by side."""

    run_id: str
    jobs: int = 2
    seed: int = 0
    quick: bool = False
    run_options: dict[str, str] = {}
    expected_us: dict[str, int] = {}


class Scheduler:
    """One run of one plan. What it has found out so far can be read at any time, also after it was cancelled."""

    def __init__(  # noqa: PLR0913, PLR0917 - six collaborators, each of a kind of its own
        self, plan: Plan, registry: Registry, driver: Driver, workspace: Workspace, log: RunLog, settings: Settings
    ) -> None:
        self._plan = plan
        self._registry = registry
        self._driver = driver
        self._workspace = workspace
        self._log = log
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.jobs)
        self._known = {control.id: asyncio.Event() for control in plan.controls}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = now_us()
        self.spans = Spans()
        self.booted: Booted | None = None
        self.boot_states: dict[str, BootEvent] = {}
        self.answered: dict[str, RuleResult] = {}
        self.jobs: list[JobResult] = []
        self.ledger: list[LedgerEntry] = []

    async def run(self) -> None:
        """Run everything.

        Raises:
            EnvironmentUnusableError: the stack cannot be booted here at all.
        """
        self._settle_controls()
        async with asyncio.TaskGroup() as group:
            boot = group.create_task(self._boot()) if self._plan.needs_stack else None
            for job in self._plan.jobs:
                self._tasks[job.id] = group.create_task(self._run_job(job, boot))

    async def _boot(self) -> None:
        async with machine(exclusive=False):
            with self.spans.span("boot"):
                self.booted = await self._driver.start(self._boot_event)

    def _boot_event(self, event: BootEvent) -> None:
        self.boot_states[event.service] = event
        self._log.event(BootState(event.service, event.state, event.elapsed_us))

    async def _run_job(self, job: Job, boot: asyncio.Task[None] | None) -> None:
        if job.needs_stack and boot:
            await asyncio.shield(boot)
        for control in job.requires:
            await self._known[control].wait()
        outcomes = self._outcomes()
        if any(outcomes[control] not in _SATISFIED for control in job.requires):
            self._settle(job, assemble.blocked(job, outcomes))
            return
        if job.exclusive:
            await self._quiet(job)
        with self.spans.span(f"job:{job.id}"):
            if job.exclusive:
                await self._hold_and_ask(job)
            else:
                async with self._slots:
                    await self._hold_and_ask(job)

    async def _quiet(self, job: Job) -> None:
        """Wait until every job that may run beside others has ended; what waits for an exclusive one cannot."""
        waiting = _dependants_of_exclusive(self._plan)
        others = [self._tasks[other.id] for other in self._plan.jobs if not other.exclusive and other.id not in waiting]
        if others and job.id not in waiting:
            await asyncio.wait(others)

    async def _hold_and_ask(self, job: Job) -> None:
        async with machine(exclusive=job.exclusive) as waited_us:
            expected = self._settings.expected_us.get(job.id)
            self._log.event(JobStarted(job.id, job.check, expected))
            evidence, scratch = self._workspace.job_folders(job.id)
            answers = await ask(
                self._registry[job.check].command,
                self._assignment(job, evidence, scratch),
                mark=f"{self._settings.run_id}/{job.id}",
                tell=lambda progress: self._progress(job, progress),
            )
        self._finish(job, answers, waited_us)

    def _progress(self, job: Job, progress: Progress) -> None:
        self._log.event(JobProgress(job.id, progress.text, progress.done, progress.total))

    def _assignment(self, job: Job, evidence: Path, scratch: Path) -> Assignment:
        root = self._driver.source_root
        return Assignment(
            check=job.check,
            questions=job.questions,
            evidence=str(evidence),
            scratch=str(scratch),
            options=job.options,
            source_root=str(root) if root else "",
            seed=self._settings.seed,
            stack=self.booted.stack if self.booted and job.needs_stack else self._driver.declared,
            budget_us=job.budget_us,
            quick=self._settings.quick,
            run_options=self._settings.run_options,
            capabilities=self._driver.capabilities,
            entry=self._registry[job.check].entry,
        )

    def _finish(self, job: Job, answers: Answers, waited_us: int) -> None:
        digests, odd = self._workspace.job_digests(job.id)
        problem = (
            f"left {', '.join(odd)} in its evidence, which cannot be sealed (a link, a device, a name with control characters)"
            if odd
            else ""
        )
        if strays := self._workspace.remove_strays():
            problem = f"it, or a check beside it, wrote outside its evidence folder: {', '.join(strays)}"
        if problem:
            answers = msgspec.structs.replace(answers, rulings={}, problem=problem, reason="evidence")
        results = assemble.rule_results(job, answers)
        self.ledger += [
            LedgerEntry(entry.kind, f"{job.id}: {entry.text}") for entry in dict.fromkeys(answers.weakenings)
        ]
        self._keep(job, answers, waited_us, digests)
        self._settle(job, results, answers.elapsed_us)

    def _keep(self, job: Job, answers: Answers, waited_us: int, digests: dict[str, str]) -> None:
        owner = self._registry[job.check]
        self.jobs.append(
            JobResult(
                id=job.id,
                check=job.check,
                distribution=owner.distribution,
                version=answers.version or owner.version,
                ended=answers.reason or "done",
                seconds_us=answers.elapsed_us,
                waited_us=waited_us,
                evidence=digests,
                config=job.options,
            )
        )

    def _settle(self, job: Job, results: Mapping[str, RuleResult], elapsed_us: int = 0) -> None:
        self.answered |= results
        counts: dict[str, int] = {}
        for result in results.values():
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
        self._log.event(JobEnded(job.id, counts, elapsed_us))
        self._settle_controls()

    def _settle_controls(self) -> None:
        """Wake whoever waits for a control whose every question has its answer."""
        open_controls = {
            question.key.partition("/")[0]
            for job in self._plan.jobs
            for question in job.questions
            if question.key not in self.answered
        }
        for control, known in self._known.items():
            if control not in open_controls:
                known.set()

    def _outcomes(self) -> dict[str, Outcome]:
        results = assemble.control_results(self._plan, self.answered, "")
        return {result.id: result.outcome for result in results}


def _dependants_of_exclusive(plan: Plan) -> frozenset[str]:
    """Ids of the jobs that wait, directly or not, for a control that an exclusive job answers."""
    waiting: set[str] = set()
    while True:
        sources = {job.id for job in plan.jobs if job.exclusive} | waiting
        controls = {
            question.key.partition("/")[0] for job in plan.jobs if job.id in sources for question in job.questions
        }
        more = {job.id for job in plan.jobs if not job.exclusive and set(job.requires) & controls}
        if more <= waiting:
            return frozenset(waiting)
        waiting |= more


def default_jobs() -> int:
    """As many check processes side by side as this process may use cores, and two at least."""
    return max(2, len(os.sched_getaffinity(0)))
