"""Which console a run gets, and how long the previous run took."""

import os
import sys
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

import msgspec

from certify.console.events import Console
from certify.console.plain import JsonConsole, PlainConsole

Progress: TypeAlias = Literal["auto", "plain", "json"]


def open_console(progress: Progress = "auto", stream: TextIO | None = None) -> Console:
    """The console for `--progress`: `auto` is the live table on a terminal that can show it, else plain lines."""
    target = sys.stderr if stream is None else stream
    if progress == "json":
        return JsonConsole(target)
    if progress == "auto" and _is_lively(target):
        # Only here: rich costs a tenth of a second that pipes need not pay.
        from certify.console.live import LiveConsole  # noqa: PLC0415 - see above

        return LiveConsole(target)
    return PlainConsole(target)


def _is_lively(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb"} and not os.environ.get("CI")


class _Job(msgspec.Struct):
    id: str
    seconds_us: int = msgspec.field(default=0, name="secondsUs")


class _Times(msgspec.Struct):
    jobs: tuple[_Job, ...] = ()


def expected_times(directory: Path) -> dict[str, int]:
    """Microseconds by job id as `record.json` of the previous run in `directory` says; empty when there is none.

    It is only a hint for whoever waits: a record that cannot be read gives no hint and no error.
    """
    try:
        times = msgspec.json.decode((directory / "record.json").read_bytes(), type=_Times)
    except (OSError, msgspec.MsgspecError):
        return {}
    return {job.id: job.seconds_us for job in times.jobs if job.seconds_us > 0}
