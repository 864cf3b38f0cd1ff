"""What a run has found out so far; it can be read at any time, also after the run was cancelled."""

import asyncio
from collections.abc import Iterable, Mapping

from certify.console.events import JobEnded
from certify.engine import assemble
from certify.engine.plan import Job, Plan
from certify.engine.runlog import RunLog
from certify.model.outcome import Outcome
from certify.model.record import JobResult, LedgerEntry, RuleResult


class Results:
    """Answers by question key, ended jobs, and the ledger."""

    def __init__(self, plan: Plan, log: RunLog) -> None:
        self._plan = plan
        self._log = log
        self._known = {control.id: asyncio.Event() for control in plan.controls}
        self.answered: dict[str, RuleResult] = {}
        self.jobs: list[JobResult] = []
        self.ledger: list[LedgerEntry] = []
        self._wake()

    async def known(self, controls: Iterable[str]) -> dict[str, Outcome]:
        """Wait until every question of these controls has its answer; gives the outcomes of all controls."""
        for control in controls:
            await self._known[control].wait()
        results = assemble.control_results(self._plan, self.answered, "")
        return {result.id: result.outcome for result in results}

    def settle(self, job: Job, results: Mapping[str, RuleResult], elapsed_us: int = 0) -> None:
        """Take in the answers to a job's questions."""
        self.answered |= results
        counts: dict[str, int] = {}
        for result in results.values():
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
        self._log.event(JobEnded(job.id, counts, elapsed_us))
        self._wake()

    def _wake(self) -> None:
        open_controls = {
            question.key.partition("/")[0]
            for job in self._plan.jobs
            for question in job.questions
            if question.key not in self.answered
        }
        for control, known in self._known.items():
            if control not in open_controls:
                known.set()
