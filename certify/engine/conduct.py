"""What every use of a stack goes through: marked and guarded, interruptible, and the stack down again at the end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from certify.console.events import Phase
from certify.drivers.interface import Driver
from certify.engine.runlog import RunLog
from certify.engine.schedule import Scheduler
from certify.engine.workspace import Workspace
from certify.listener import listening
from certify.model.check import Capability
from certify.processes import RUN_MARK, end_marked


class Interruption:
    """Which signal asked the run to end while its checks ran, and which one came after them; 0: none."""

    signal: int = 0
    late: int = 0


@asynccontextmanager
async def guarded(run_id: str, workspace: Workspace, log: RunLog) -> AsyncIterator[None]:
    """Whatever starts in the body carries the run's mark; with the body's end, or certify's own, all of it is gone."""
    os.environ[RUN_MARK] = run_id
    guarding = asyncio.create_task(workspace.guardian.replace_when_killed())
    try:
        yield
    finally:
        log.close()
        workspace.clean()
        await asyncio.to_thread(end_marked, RUN_MARK, run_id)
        guarding.cancel()
        await asyncio.wait({guarding})
        workspace.close()
        del os.environ[RUN_MARK]


async def conduct(scheduler: Scheduler, driver: Driver, workspace: Workspace, log: RunLog) -> Interruption:
    """Boot and ask all; afterwards, also after a signal, the logs are kept and the stack is down.

    Raises:
        EnvironmentUnusableError: the stack cannot be booted here at all.
    """
    try:
        async with interruptible() as interruption, _received(scheduler, driver, workspace):
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
    return interruption


@asynccontextmanager
async def _received(scheduler: Scheduler, driver: Driver, workspace: Workspace) -> AsyncIterator[None]:
    """Listen for the stack's spans where a check will look at them; else they would only cost time."""
    if not (Capability.SPANS in driver.capabilities and scheduler.asks_for(Capability.SPANS)):
        yield
        return
    async with listening(workspace.spans) as url:
        scheduler.watch.spans, scheduler.watch.spans_to = workspace.spans, url
        yield


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
        else:
            state.late = number

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
    told_by = ("launcher", "pull", "build", "up")
    logs = {name: workspace.stack / f"{name}.log" for name in told_by} | {"spans": workspace.spans}
    # Also of what is no service: database, broker, one-shots.
    logs |= {path.stem: path for path in sorted((workspace.stack / "logs").glob("*.log"))}
    logs["listener"] = workspace.spans.with_name(f"{workspace.spans.name}.log")
    if scheduler.watch.booted:
        stack = scheduler.watch.booted.stack
        gateway = [stack.gateway] if stack.gateway else []
        logs |= {service.name: Path(service.log) for service in (*stack.services, *gateway) if service.log}
    return logs
