"""Commands of the certified product (suites, rebuilds): bounded in time, output kept in a file, ended with all children."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from certify_checks.children import die_with_parent

_TAIL = 4_000
# Settings of the caller's shell that would change how a suite runs or is measured.
_FOREIGN = ("PYTEST_", "COVERAGE_", "COV_CORE_", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT")


class Ran(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a command ended.

    Attributes:
        code: exit code, negative for a signal; None when it was ended after its time or could not be started.
        elapsed_us: how long it ran.
        tail: the end of its output; text of the product, so hostile.
    """

    code: int | None = None
    elapsed_us: int = 0
    tail: str = ""

    @property
    def complaint(self) -> str:
        """Why it did not end well, in one line; empty when it did."""
        if self.code == 0:
            return ""
        lines = self.tail.strip().splitlines()
        ended = "it did not end in time" if self.code is None else f"exit code {self.code}"
        return f"{ended}: {lines[-1].strip()[:300]}" if lines else ended


async def run(
    argv: Sequence[str], *, folder: Path, seconds: float, log: Path, environment: Mapping[str, str] | None = None
) -> Ran:
    """Run `argv` in `folder` for at most `seconds`; both of its outputs go to `log`.

    It gets a session of its own, so that all that it started in it can be ended with it.
    """
    began = time.perf_counter_ns()
    with log.open("wb") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=folder,
                env=_environment(environment or {}),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        except OSError as error:
            return Ran(None, 0, f"{argv[0]}: {error.strerror or error}")
        try:
            await asyncio.wait_for(process.wait(), seconds)
            code = process.returncode
        except TimeoutError:
            code = None
        finally:
            _end_session(process.pid)
            await process.wait()
    return Ran(code, (time.perf_counter_ns() - began) // 1000, tail(log))


def python(words: Sequence[str]) -> list[str]:
    """The words of a command, with `python` meaning the interpreter that runs certify."""
    return [sys.executable if number == 0 and word == "python" else word for number, word in enumerate(words)]


def tail(log: Path) -> str:
    """The end of a log file."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")


def _end_session(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # The certified source tree stays as it is: no bytecode is written into it.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"} | dict(extra)
