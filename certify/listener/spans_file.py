"""The file that spans are appended to: whole lines, one write for each request, and no more than so many spans."""

import os
from pathlib import Path
from typing import Final, Self

import msgspec

from certify.model.span import DROPPED, Span

# About ten minutes at the full rate of a load test, some 300 MB.
CAPACITY: Final = 600_000


class SpansFile:
    """Keeps the first `capacity` spans and counts the others, so that nobody fills the disk."""

    def __init__(self, path: Path, capacity: int = CAPACITY) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._encoder = msgspec.json.Encoder()
        self._left = capacity
        self._dropped = 0
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def append(self, spans: list[Span]) -> int:
        """Write what there is room for.

        Returns:
            How many were not kept.

        Raises:
            OSError: the disk is full, or the like; none of them is counted as kept.
        """
        kept = spans[: self._left]
        over = len(spans) - len(kept)
        content = self._encoder.encode_lines(kept)
        # The count is told at 1, 2, 4, 8...: exact enough, and it cannot fill the disk either.
        if over and self._dropped + over >= 2 * self._told:
            content += DROPPED + b"%d}\n" % (self._dropped + over)
        self._write(content)
        self._told = self._dropped + over if over and self._dropped + over >= 2 * self._told else self._told
        self._left -= len(kept)
        self._dropped += over
        return over

    def _write(self, content: bytes) -> None:
        """A single write, as a rule: a reader sees whole requests then. Only a full disk makes it shorter."""
        view = memoryview(content)
        while view:
            view = view[os.write(self._descriptor, view) :]
