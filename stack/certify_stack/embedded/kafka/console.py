"""How a preparation shows itself: a bar on a terminal, a few lines elsewhere, nothing when there is nothing to do."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from certify_stack.embedded.kafka.errors import Progress, Tell

_STEP_PERCENT = 25
_MEGA = 1_000_000


def teller() -> Tell:
    """Tells people on standard error, which is never the channel of events."""
    return _Bars() if sys.stderr.isatty() else _Lines()


class _Lines:
    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, progress: Progress) -> None:
        percent = progress.done * 100 // progress.total if progress.total else 0
        now = (progress.text, percent // _STEP_PERCENT)
        if now != self._last:
            self._last = now
            size = f" {percent} % of {progress.total / _MEGA:.1f} MB" if progress.total else ""
            sys.stderr.write(f"kafka: {progress.text}{size}\n")
            sys.stderr.flush()


class _Bars:
    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def __call__(self, progress: Progress) -> None:
        if not progress.total:
            self._end()
            sys.stderr.write(f"{progress.text}\n")
            return
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(progress.text, total=progress.total)
            self._bar.start()
        self._bar.update(self._task, completed=progress.done)
        if progress.done >= progress.total:
            self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
