"""Does one job: hands the assignment to a check process, keeps its answers, and undoes what it did to the stack."""

from pathlib import Path

import msgspec

from certify.console.events import JobProgress, JobStarted
from certify.drivers.interface import Driver
from certify.engine import assemble
from certify.engine.check_process import Answers, ask
from certify.engine.disturbing import Disturber
from certify.engine.plan import Job
from certify.engine.protocol import Assignment, Progress
from certify.engine.registry import Registry
from certify.engine.results import Results
from certify.engine.runlog import RunLog
from certify.engine.settings import Settings
from certify.engine.watching import StackWatch
from certify.engine.workspace import Workspace
from certify.model.outcome import Outcome
from certify.model.record import JobResult, LedgerEntry


class JobRunner:
    """What all jobs of a run share."""

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators, each of a kind of its own
        self,
        registry: Registry,
        driver: Driver,
        workspace: Workspace,
        log: RunLog,
        settings: Settings,
        results: Results,
        watch: StackWatch,
    ) -> None:
        self._registry = registry
        self._driver = driver
        self._workspace = workspace
        self._log = log
        self._settings = settings
        self._results = results
        self._watch = watch

    async def run(self, job: Job, waited_us: int) -> None:
        """Do it to its end, whatever that is; `waited_us` is how long it waited for the machine."""
        if not self._usable(job):
            return
        self._log.event(JobStarted(job.id, job.check, self._settings.expected_us.get(job.id)))
        evidence, scratch = self._workspace.job_folders(job.id)
        disturber = Disturber(self._driver, job.needs, lambda name, **facts: self._log.note(name, job=job.id, **facts))
        asking = ask(
            self._registry[job.check].command,
            self._assignment(job, evidence, scratch),
            mark=f"{self._settings.run_id}/{job.id}",
            tell=lambda progress: self._progress(job, progress),
            disturber=disturber,
        )
        answers = await (self._watch.unless_gone(asking) if job.needs_stack else asking)
        await self._undo(job, disturber)
        if answers is None:
            self._usable(job)
        else:
            self._finish(job, answers, waited_us)

    def _usable(self, job: Job) -> bool:
        """Whether there is a stack for it; else its questions are settled."""
        problem = self._watch.unusable if job.needs_stack else None
        if problem:
            results = assemble.same_for_all(job, Outcome.INCONCLUSIVE, problem.summary, problem.reason, problem.cure)
            self._results.settle(job, results)
        return problem is None

    async def _undo(self, job: Job, disturber: Disturber) -> None:
        # Not after an interruption: then all of the stack is taken down next.
        problems = await disturber.undo()
        if problems:
            self._watch.spoil(
                "stack-left-disturbed",
                f"what {job.id} did to the stack could not be undone: {'; '.join(problems)}",
                f"run it without {job.id} (--skip), and find out from the evidence why the stack does not come back",
            )

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
            stack=self._watch.now() if self._watch.booted and job.needs_stack else self._driver.declared,
            budget_us=job.budget_us,
            quick=self._settings.quick,
            run_options=self._settings.run_options,
            capabilities=self._driver.capabilities,
            entry=self._registry[job.check].entry,
            disturbs=job.disturbs,
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
        self._results.ledger += [
            LedgerEntry(entry.kind, f"{job.id}: {entry.text}") for entry in dict.fromkeys(answers.weakenings)
        ]
        self._results.jobs.append(self._job_result(job, answers, waited_us, digests))
        self._results.settle(job, results, answers.elapsed_us)

    def _job_result(self, job: Job, answers: Answers, waited_us: int, digests: dict[str, str]) -> JobResult:
        owner = self._registry[job.check]
        return JobResult(
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
