"""The engine's side of a check process: start it, listen, hold it to its budget, and end all that it started."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from certify.engine.disturbing import Disturber, NotAllowedError
from certify.engine.protocol import (
    MAX_LINE,
    Ask,
    Assignment,
    Done,
    Failed,
    Hello,
    Message,
    Progress,
    Reply,
    Ruled,
    Weakening,
    read_message,
)
from certify.model.escape import visible
from certify.processes import JOB_MARK, die_with_parent, end_marked

LOG = "log.txt"
_SHOWN = 200
# Time for a process that has said all to end by itself.
_GRACE_SECONDS = 5.0


class Answers(msgspec.Struct, frozen=True):
    """What a check process said. `problem` is why the unanswered questions have no answer; empty: it said all."""

    rulings: dict[str, Ruled]
    weakenings: tuple[Weakening, ...] = ()
    problem: str = ""
    reason: str = ""
    elapsed_us: int = 0
    version: str = ""


class _ProtocolError(Exception):
    """The process said something that is not in the protocol."""


class _Listener:
    """Collects what one process says and refuses what it may not say."""

    def __init__(self, task: Assignment, tell: Callable[[Progress], None], disturber: Disturber) -> None:
        self._questions = {question.key: question.rule for question in task.questions}
        self._tell = tell
        self._disturber = disturber
        self.reply: Callable[[Reply], None] = lambda _: None
        self.rulings: dict[str, Ruled] = {}
        self.weakenings: list[Weakening] = []
        self.failed: Failed | None = None
        self.version = ""

    def hear(self, line: bytes) -> bool:
        """Take in one line; gives True on the last one."""
        try:
            message = read_message(line)
        except msgspec.MsgspecError as error:
            shown = visible(line[:_SHOWN].decode(errors="replace"))
            raise _ProtocolError(f"said something that is not in the protocol ({error}): {shown!r}") from None
        return self._take(message)

    def _take(self, message: Message) -> bool:
        match message:
            case Progress():
                self._tell(message)
            case Weakening():
                self.weakenings.append(message)
            case Ruled():
                self._rule(message)
            case Ask():
                self._ask(message)
            case Failed():
                self.failed = self.failed or message
            case Hello():
                self.version = message.version
            case Done():
                return True
            case _:
                pass
        return False

    def _ask(self, ask: Ask) -> None:
        try:
            self._disturber.begin(ask, self.reply)
        except NotAllowedError as error:
            raise _ProtocolError(str(error)) from None

    def _rule(self, ruled: Ruled) -> None:
        if self._questions.get(ruled.key) != ruled.rule:
            raise _ProtocolError(f"claims a rule that nobody asked: {visible(ruled.rule)!r} ({visible(ruled.key)!r})")
        if ruled.key in self.rulings:
            raise _ProtocolError(f"ruled twice on {visible(ruled.key)!r}")
        self.rulings[ruled.key] = ruled


async def ask(
    command: tuple[str, ...],
    task: Assignment,
    *,
    mark: str,
    tell: Callable[[Progress], None],
    disturber: Disturber,
) -> Answers:
    """Run one check process to its end.

    Args:
        command: argument list; the assignment goes to its standard input.
        task: what it is asked.
        mark: value of `CERTIFY_JOB_ID` for it and all that it starts, unique on this machine.
        tell: hears its progress.
        disturber: does what it asks to be done to the stack, where the assignment says `disturbs`.

    Returns:
        Its answers. Whatever goes wrong (a crash, a hang, rubbish, silence) is told in `problem`; nothing is raised.
    """
    started = time.monotonic_ns()
    listener = _Listener(task, tell, disturber)
    problem, reason = "", ""
    try:
        problem, reason = await _converse(command, task, mark, listener)
    finally:
        await asyncio.to_thread(end_marked, JOB_MARK, mark)
    unanswered = len(task.questions) - len(listener.rulings)
    if unanswered and not problem:
        problem, reason = f"ended without a ruling on {unanswered} of {len(task.questions)} questions", "no-ruling"
    elapsed = (time.monotonic_ns() - started) // 1000
    # After a breach of the protocol nothing that it said before can be trusted either.
    rulings = {} if reason == "protocol" else listener.rulings
    return Answers(rulings, tuple(listener.weakenings), problem, reason, elapsed, listener.version)


async def _converse(command: tuple[str, ...], task: Assignment, mark: str, listener: _Listener) -> tuple[str, str]:
    try:
        process = await _start(command, task, mark)
    except OSError as error:
        return f"cannot be started: {error}", "cannot-start"
    try:
        async with asyncio.timeout(task.budget_us / 1_000_000):
            heard_all = await _listen(process, task, listener)
            code = await asyncio.wait_for(process.wait(), _GRACE_SECONDS) if heard_all else await process.wait()
    except _ProtocolError as error:
        return str(error), "protocol"
    except TimeoutError:
        return f"was ended after its budget of {task.budget_us / 1e6:g} s", "budget"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if listener.failed:
        return visible(listener.failed.message), "check-failed"
    if not heard_all:
        return f"ended with exit code {code} before it said `done`" if code >= 0 else f"was killed by signal {-code}", (
            "crashed"
        )
    return "", ""


async def _start(command: tuple[str, ...], task: Assignment, mark: str) -> asyncio.subprocess.Process:
    log = Path(task.evidence) / LOG
    environment = os.environ | {JOB_MARK: mark, "TMPDIR": task.scratch}
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=task.scratch,
            limit=MAX_LINE,
            # A session of its own: Ctrl-C at the terminal reaches the engine alone, which then ends everything in order.
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


async def _listen(process: asyncio.subprocess.Process, task: Assignment, listener: _Listener) -> bool:
    """Hear the process to its last line; gives whether it said `done`."""
    assert process.stdin  # noqa: S101 - narrowing for the type checker: both are pipes
    assert process.stdout  # noqa: S101 - as above
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(msgspec.json.encode(task, enc_hook=str) + b"\n")
        await process.stdin.drain()
        if not task.disturbs:
            process.stdin.close()
    listener.reply = partial(_reply, process.stdin)
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:
            raise _ProtocolError(f"wrote a line of more than {MAX_LINE >> 20} MiB") from None
        if not line:
            return False
        if listener.hear(line.rstrip(b"\n")):
            return True


def _reply(stdin: asyncio.StreamWriter, reply: Reply) -> None:
    if not stdin.is_closing():
        stdin.write(msgspec.json.encode(reply) + b"\n")
