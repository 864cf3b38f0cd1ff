"""Command-line tools that checks run: bounded in time, deaf to the caller's settings, their output kept."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

# Variables by which a tool's settings could be changed from outside of the profile.
_SETTINGS = ("PIP_AUDIT_", "RUFF_", "SCHEMATHESIS_", "BANDIT_", "HYPOTHESIS_")


class ToolRun(msgspec.Struct, frozen=True):
    """How one run of a tool ended. `exit_code` is None when it was stopped after its time."""

    exit_code: int | None
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def complaint(self) -> str:
        """Its last words in one line, for people; text of a tool, so hostile."""
        if self.exit_code is None:
            return "it did not end in time"
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return f"exit code {self.exit_code}" + (f": {lines[-1][:300]}" if lines else "")


async def run_module(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> ToolRun:
    """Run `python -m module` in `folder` and wait for at most `seconds`.

    The working directory stays off the module path (`-P`): a tree under test must not bring its own `bandit.py`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        *arguments,
        cwd=folder,
        env=_environment(environment or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        return ToolRun(None)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return ToolRun(process.returncode, output, errors)


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    # Loopback servers of a check's own must not be asked for through a proxy.
    direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return kept | direct | {"PYTHONUTF8": "1"} | dict(extra)
