"""When which job of a plan runs: source checks while the stack boots, timing checks alone on the machine, some last."""

import asyncio

from certify.drivers.interface import Driver
from certify.engine import assemble
from certify.engine.jobs import JobRunner
from certify.engine.lock import machine
from certify.engine.plan import Job, Plan, waits_for
from certify.engine.registry import Registry
from certify.engine.results import Results
from certify.engine.runlog import RunLog
from certify.engine.sampling import Sampler
from certify.engine.settings import Settings
from certify.engine.timing import Spans
from certify.engine.watching import StackWatch
from certify.engine.workspace import Workspace
from certify.model.check import Capability
from certify.model.outcome import Outcome

# What a control that others require may be for them to start; narrowed away on the command line is not a failure.
_SATISFIED = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.SKIPPED})


class Scheduler:
    """One run of one plan."""

    def __init__(  # noqa: PLR0913, PLR0917 - six collaborators, each of a kind of its own
        self, plan: Plan, registry: Registry, driver: Driver, workspace: Workspace, log: RunLog, settings: Settings
    ) -> None:
        self._plan = plan
        self._slots = asyncio.Semaphore(settings.jobs)
        self._alone = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.spans = Spans()
        self.results = Results(plan, log)
        self.watch = StackWatch(driver, log)
        self.sampler = Sampler(driver)
        self._runner = JobRunner(registry, driver, workspace, log, settings, self.results, self.watch)

    async def run(self) -> None:
        """Run everything.

        Raises:
            EnvironmentUnusableError: the stack cannot be booted here at all.
        """
        async with asyncio.TaskGroup() as group:
            boot = group.create_task(self._boot()) if self._plan.needs_stack else None
            for job in self._plan.jobs:
                self._tasks[job.id] = group.create_task(self._run_job(job, boot))
            besides = [group.create_task(work) for work in (self._watch(boot), self.sampler.run())] if boot else []
            await asyncio.wait(self._tasks.values()) if self._tasks else None
            for task in besides:
                task.cancel()

    def asks_for(self, capability: Capability) -> bool:
        """Whether a job of the plan needs or uses it."""
        return any(capability in job.needs | job.uses for job in self._plan.jobs)

    async def _boot(self) -> None:
        async with machine(exclusive=False):
            with self.spans.span("boot"):
                await self.watch.start()

    async def _watch(self, boot: asyncio.Task[None]) -> None:
        await asyncio.shield(boot)
        await self.watch.until_gone()

    async def _run_job(self, job: Job, boot: asyncio.Task[None] | None) -> None:
        if job.needs_stack and boot:
            await asyncio.shield(boot)
        outcomes = await self.results.known(job.requires)
        if any(outcomes[control] not in _SATISFIED for control in job.requires):
            self.results.settle(job, assemble.blocked(job, outcomes))
            return
        if earlier := [self._tasks[other] for other in waits_for(job, self._plan)]:
            await asyncio.wait(earlier)
        # Alone means one after the other, in the order of the plan.
        async with self._alone if job.exclusive else self._slots:
            with self.spans.span(f"job:{job.id}"):
                async with machine(exclusive=job.exclusive) as waited_us:
                    await self._runner.run(job, waited_us)
