"""One run from plan to sealed folder: boot and checks, record, decision, reports, seal, and the stack down again."""

import contextlib
import sys
import traceback
from pathlib import Path

import msgspec

from certify.console.events import Console, Phase
from certify.decide import decide
from certify.drivers.interface import Driver
from certify.engine.conduct import conduct, guarded
from certify.engine.recording import Ended, RunPlan, make_record, utc_now
from certify.engine.runlog import RunLog
from certify.engine.schedule import Scheduler
from certify.engine.timing import now_us
from certify.engine.workspace import RUNLOG, Workspace
from certify.model.decision import Decision
from certify.model.record import Record
from certify.model.report import ReportContext, ReportFormat
from certify.seal import files
from certify.seal.names import DECISION, RECORD, RELEASE


class Finished(msgspec.Struct, frozen=True):
    """What a run came to. `interrupted` is the signal's number, 0 when it ran to its end."""

    record: Record
    decision: Decision
    context: ReportContext
    interrupted: int = 0


async def execute(wanted: RunPlan, driver: Driver, workspace: Workspace, console: Console) -> Finished:
    """Run the plan and leave the sealed results in the workspace's folder.

    Raises:
        EnvironmentUnusableError: the stack cannot be booted here at all; nothing is left behind.
    """
    log = RunLog(workspace.evidence / RUNLOG, wanted.settings.run_id, console)
    async with guarded(wanted.settings.run_id, workspace, log):
        return await _run(wanted, driver, workspace, log)


async def _run(wanted: RunPlan, driver: Driver, workspace: Workspace, log: RunLog) -> Finished:
    started, clock = utc_now(), now_us()
    scheduler = Scheduler(wanted.plan, wanted.registry, driver, workspace, log, wanted.settings)
    log.event(Phase("boot" if wanted.plan.needs_stack else "checks"))
    interruption = await conduct(scheduler, driver, workspace, log)
    log.event(Phase("seal"))
    ended = Ended(started, now_us() - clock, interruption.signal)
    record = make_record(wanted, driver, scheduler, workspace, ended)
    return _finish(wanted, record, workspace, log, interruption.signal)


def _finish(wanted: RunPlan, record: Record, workspace: Workspace, log: RunLog, interrupted: int) -> Finished:
    decision = decide(record, waivers=wanted.profile.waivers, roles=wanted.profile.sign_offs, previous=wanted.previous)
    context = ReportContext(wanted.key.public.fingerprint, wanted.key.origin, _shown(workspace.out))
    log.note("decision", verdict=decision.verdict)
    log.close()
    documents = ((RELEASE, record.release), (RECORD, record), (DECISION, decision))
    for name, document in documents:
        files.write_json(workspace.staging, name, document)
    finished = Finished(record, decision, context, interrupted)
    for report in wanted.reports.values():
        text = _render(report, finished)
        if text is not None:
            files.write_text(workspace.staging, report.filename, text)
    files.seal(workspace.staging, wanted.key)
    workspace.publish()
    return finished


def _render(report: ReportFormat, finished: Finished) -> str | None:
    """The report's text; None when its plug-in raised: one broken format must not cost the run its result."""
    try:
        return report.render(finished.record, finished.decision, finished.context)
    except Exception:  # noqa: BLE001 - a plug-in's code may raise anything
        sys.stderr.write(f"certify: the report {report.id!r} could not be rendered:\n{traceback.format_exc()}")
        return None


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
