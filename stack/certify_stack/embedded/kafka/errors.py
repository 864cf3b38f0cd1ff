"""What goes wrong around the broker, and how its preparation tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class KafkaError(RuntimeError):
    """The broker cannot be prepared, did not start or does not answer; the message says why and what to do."""


@dataclass(frozen=True)
class Progress:
    """How far a preparation is; `total` bytes, 0 where there is nothing to count."""

    text: str
    done: int = 0
    total: int = 0


Tell = Callable[[Progress], None]
