"""One run from plan to sealed folder: boot and checks, record, decision, reports, seal, and the stack down again."""

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from certify.console.events import Console, Phase
from certify.decide import decide
from certify.drivers.interface import Driver
from certify.engine.guardian import Guardian
from certify.engine.recording import Ended, RunPlan, make_record, utc_now
from certify.engine.runlog import RunLog
from certify.engine.schedule import Scheduler
from certify.engine.timing import now_us
from certify.engine.workspace import RUNLOG, Workspace
from certify.model.decision import Decision
from certify.model.record import Record
from certify.model.report import ReportContext, ReportFormat
from certify.processes import RUN_MARK, end_marked
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
    run_id = wanted.settings.run_id
    os.environ[RUN_MARK] = run_id
    guardian = Guardian(run_id, [workspace.staging, workspace.scratch])
    log = RunLog(workspace.evidence / RUNLOG, run_id, console)
    try:
        return await _run(wanted, driver, workspace, log)
    finally:
        log.close()
        workspace.clean()
        await asyncio.to_thread(end_marked, RUN_MARK, run_id)
        guardian.release()
        del os.environ[RUN_MARK]


async def _run(wanted: RunPlan, driver: Driver, workspace: Workspace, log: RunLog) -> Finished:
    started, clock = utc_now(), now_us()
    scheduler = Scheduler(wanted.plan, wanted.registry, driver, workspace, log, wanted.settings)
    log.event(Phase("boot" if wanted.plan.needs_stack else "checks"))
    try:
        async with interruptible() as interruption:
            await scheduler.run()
    except asyncio.CancelledError:
        if not interruption.signal:
            raise
    except ExceptionGroup as group:
        raise _first(group) from group
    finally:
        # Also after an interruption: logs are copied before the stack that writes them is taken down.
        workspace.keep_logs(_stack_logs(scheduler, workspace))
        log.event(Phase("down"))
        with scheduler.spans.span("down"):
            await asyncio.shield(driver.stop())
    log.event(Phase("seal"))
    ended = Ended(started, now_us() - clock, interruption.signal)
    record = make_record(wanted, driver, scheduler, workspace, ended)
    return _finish(wanted, record, workspace, log, interruption.signal)


class Interruption:
    """Which signal asked the run to end while its checks ran; 0: none."""

    signal: int = 0


@asynccontextmanager
async def interruptible() -> AsyncIterator[Interruption]:
    """Cancel the body on the first SIGINT or SIGTERM; on a second one leave at once, to the guardian.

    A signal that comes after the body finds the answer complete: taking down and sealing go on undisturbed.
    """
    state, loop, task = Interruption(), asyncio.get_running_loop(), asyncio.current_task()
    seen: list[int] = []
    running = True

    def ask_to_end(number: int) -> None:
        seen.append(number)
        if len(seen) > 1:
            os._exit(128 + number)
        if running and task:
            state.signal = number
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_to_end, number)
    try:
        yield state
    finally:
        running = False
        if task and state.signal:
            task.uncancel()


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _stack_logs(scheduler: Scheduler, workspace: Workspace) -> dict[str, Path]:
    logs = {"launcher": workspace.stack / "launcher.log"}
    if scheduler.booted:
        stack = scheduler.booted.stack
        gateway = [stack.gateway] if stack.gateway else []
        logs |= {service.name: Path(service.log) for service in (*stack.services, *gateway) if service.log}
    return logs


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
