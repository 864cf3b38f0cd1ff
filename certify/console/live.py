"""The live table on a terminal: boot state per service, then the checks with elapsed and expected time."""

import threading
import time
from collections.abc import Callable
from typing import Self, TextIO

import msgspec
from rich.columns import Columns
from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from certify.console.events import BootState, JobEnded, JobProgress, JobStarted, Message, Phase, RunEvent
from certify.console.words import ORDER, SYMBOLS, counts, duration
from certify.model.escape import clip, terminal
from certify.model.outcome import Outcome

_BOOT_STYLES = {"ready": "green", "failed": "bold red", "stopped": "red", "live": "yellow", "starting": "yellow"}
_BOOT_SYMBOLS = {"ready": "+", "failed": "x", "stopped": "x", "live": "~", "starting": "."}
_STYLES: dict[str, str] = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.ERROR: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.BLOCKED: "yellow",
}
_MESSAGE_STYLES = {"warning": "yellow", "error": "bold red"}


class _Row(msgspec.Struct):
    """What is known of one check process."""

    check: str
    started: float
    expected_us: int | None
    text: str = ""
    done: int = 0
    total: int = 0
    ended: JobEnded | None = None


class LiveConsole:
    """Redraws a table a few times a second; messages scroll above it."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._phase = ""
        self._boot: dict[str, BootState] = {}
        self._rows: dict[str, _Row] = {}
        self._lock = threading.RLock()
        self._rich = RichConsole(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._rich, get_renderable=self._table, refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._live.__exit__(None, None, None)

    def event(self, event: RunEvent, /) -> None:
        """Take the event into the table; a message is printed above it."""
        if isinstance(event, Message):
            text = event.text if event.level == "info" else f"{event.level}: {event.text}"
            self._rich.print(Text(terminal(text), style=_MESSAGE_STYLES.get(event.level, "")), soft_wrap=True)
            return
        with self._lock:
            self._take(event)

    def _take(self, event: RunEvent) -> None:
        match event:
            case Phase(name=name):
                self._phase = name
            case BootState(service=service):
                self._boot[service] = event
            case JobStarted(job=job, check=check, expected_us=expected):
                self._rows[job] = _Row(check, self._clock(), expected)
            case JobProgress(job=job, text=text, done=done, total=total):
                row = self._rows.setdefault(job, _Row(job, self._clock(), None))
                row.text, row.done, row.total = text, done, total
            case JobEnded(job=job):
                self._rows.setdefault(job, _Row(job, self._clock(), None)).ended = event

    def _table(self) -> RenderableType:
        with self._lock:
            head = Text(f"certify  {terminal(self._phase) or 'starting'}  {self._clock() - self._start:.0f} s", "bold")
            parts: list[RenderableType] = [head]
            if self._boot:
                parts += [
                    self._summary(),
                    Columns([_boot_cell(state) for state in self._boot.values()], padding=(0, 2)),
                ]
            if self._rows:
                parts.append(self._checks())
            return Group(*parts)

    def _summary(self) -> Text:
        ready = sum(state.state == "ready" for state in self._boot.values())
        return Text(f"services: {ready} of {len(self._boot)} ready")

    def _checks(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("check", "state", "elapsed", "expected"):
            table.add_column(title, justify="right" if title in {"elapsed", "expected"} else "left", no_wrap=True)
        for job, row in self._rows.items():
            expected = duration(row.expected_us) if row.expected_us else "-"
            table.add_row(Text(clip(terminal(job), 32)), _state(row), Text(self._elapsed(row)), Text(expected))
        return table

    def _elapsed(self, row: _Row) -> str:
        running = int((self._clock() - row.started) * 1_000_000)
        return duration(row.ended.elapsed_us if row.ended else running)


def _boot_cell(state: BootState) -> Text:
    took = f" {duration(state.elapsed_us)}" if state.state == "ready" and state.elapsed_us else ""
    symbol = _BOOT_SYMBOLS.get(state.state, " ")
    text = f"{symbol} {clip(terminal(state.service), 24)} {clip(terminal(state.state), 16)}{took}"
    return Text(text, style=_BOOT_STYLES.get(state.state, "dim"))


def _state(row: _Row) -> Text:
    if row.ended is None:
        share = f" {row.done:,} of {row.total:,}" if row.total else ""
        return Text(f"> running{share} {clip(terminal(row.text), 48)}".rstrip())
    outcomes = row.ended.outcomes
    worst = next((outcome for outcome in ORDER if outcomes.get(outcome)), None)
    symbol = SYMBOLS[worst] if worst else "?"
    return Text(f"{symbol} {terminal(counts(outcomes))}", style=_STYLES.get(worst or "", ""))
