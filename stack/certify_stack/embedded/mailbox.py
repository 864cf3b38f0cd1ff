"""JSON lines of the pre-loaded parent: commands in on standard input, events out on standard output."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable, Iterator
from typing import Any

_CHUNK = 1 << 16


class Mailbox:
    """Reads commands without ever blocking the reaping of children; from the main thread only."""

    def __init__(self) -> None:
        self._buffer = b""
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._ending = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def first(self) -> dict[str, Any] | None:
        """The first line; None when there is none."""
        while b"\n" not in self._buffer:
            if not self._fill():
                return None
        return next(self._lines())

    def until_end(self, reap: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Yield commands until the input ends or SIGTERM arrives; `reap` is called whenever a child may have ended."""
        yield from self._lines()
        while not self._ending:
            readable, _, _ = select.select([0, self._wake_read], [], [])
            if self._wake_read in readable:
                os.read(self._wake_read, _CHUNK)
                reap()
            if 0 in readable:
                if not self._fill():
                    return
                yield from self._lines()

    def _fill(self) -> bool:
        chunk = os.read(0, _CHUNK)
        self._buffer += chunk
        return bool(chunk)

    def _lines(self) -> Iterator[dict[str, Any]]:
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            yield json.loads(line)

    def _end(self, *_: object) -> None:
        self._ending = True


def say(event: dict[str, Any], descriptor: int = 1) -> None:
    """One event; a short one goes out in one write, so that those of several processes do not mix."""
    data = (json.dumps(event, separators=(",", ":")) + "\n").encode()
    while data:
        data = data[os.write(descriptor, data) :]
