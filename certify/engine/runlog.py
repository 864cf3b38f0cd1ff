"""The run log: every event of a run with its time, one JSON object a line, part of the evidence."""

from pathlib import Path
from typing import Any

import msgspec

from certify.console.events import Console, RunEvent
from certify.engine.timing import now_us


class RunLog:
    """Writes events as they come, so that also a run that was killed can be read; passes them on to a console."""

    def __init__(self, path: Path, run_id: str, console: Console) -> None:
        self._file = path.open("ab", buffering=0)
        self._started = now_us()
        self._console = console
        self.note("run", runId=run_id)

    def event(self, event: RunEvent) -> None:
        """Log an event and show it."""
        self._write(msgspec.to_builtins(event))
        self._console.event(event)

    def note(self, name: str, **facts: Any) -> None:
        """Log something that nobody watches."""
        self._write({"event": name} | facts)

    def close(self) -> None:
        """Finish; the file is sealed afterwards."""
        if not self._file.closed:
            self._file.close()

    def _write(self, facts: dict[str, Any]) -> None:
        if not self._file.closed:
            self._file.write(msgspec.json.encode({"us": now_us() - self._started} | facts) + b"\n")
