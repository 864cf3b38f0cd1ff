"""Plain lines for pipes and CI logs, and JSON lines for programs."""

import json
import threading
import time
from collections.abc import Callable
from typing import Final, Self, TextIO

import msgspec

from certify.console.events import BootState, JobEnded, JobProgress, JobStarted, Message, Phase, RunEvent
from certify.console.words import counts, duration
from certify.model.escape import clip, terminal

WIDTH: Final = 200
# A check that reports each of 10,000 steps must not fill the log.
PROGRESS_SECONDS: Final = 10.0


class PlainConsole:
    """A line per event; progress of one check at most every ten seconds."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    def event(self, event: RunEvent, /) -> None:
        """Print the event, unless it is progress that comes too soon after the last."""
        with self._lock:
            if isinstance(event, JobProgress) and not self._is_due(event.job):
                return
            line = clip(terminal(line_of(event)), WIDTH)
            self._stream.write(f"[{self._clock() - self._start:6.1f} s] {line}\n")
            self._stream.flush()

    def _is_due(self, job: str) -> bool:
        now = self._clock()
        due = now - self._told.get(job, self._start) >= PROGRESS_SECONDS
        if due:
            self._told[job] = now
        return due


class JsonConsole:
    """One JSON object per line and event; its field `event` names the kind."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    def event(self, event: RunEvent, /) -> None:
        """Print the event in ASCII, so that no character of it can steer a terminal that shows the stream."""
        line = json.dumps(msgspec.to_builtins(event), separators=(",", ":"))
        with self._lock:
            self._stream.write(line.replace("\x7f", "\\u007f") + "\n")
            self._stream.flush()


def line_of(event: RunEvent) -> str:
    """What people read of an event, not yet escaped."""
    match event:
        case Phase(name=name):
            return f"== {name}"
        case BootState(service=service, state=state, elapsed_us=elapsed):
            return f"boot   {service:<20} {state}" + (f" after {duration(elapsed)}" if elapsed else "")
        case JobStarted(job=job, expected_us=expected):
            return f"start  {job}" + (f" (took {duration(expected)} last time)" if expected else "")
        case JobProgress(job=job, text=text, done=done, total=total):
            return f"...    {job}: {text}" + (f" ({done:,} of {total:,})" if total else "")
        case JobEnded(job=job, outcomes=outcomes, elapsed_us=elapsed):
            return f"end    {job}: {counts(outcomes)} in {duration(elapsed)}"
        case Message(text=text, level=level):
            return text if level == "info" else f"{level}: {text}"
