"""Keeping a report within the size that its reader accepts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Detail:
    """How much is told: findings per control, rows per table, characters per text. What is left out is counted."""

    findings: int
    rows: int
    text: int


STEPS: Final = (
    Detail(25, 2_000, 1_000),
    Detail(10, 1_000, 500),
    Detail(5, 500, 300),
    Detail(2, 200, 200),
    Detail(1, 100, 160),
    Detail(0, 50, 120),
    Detail(0, 20, 80),
    Detail(0, 5, 40),
    Detail(0, 1, 20),
)


def fit(render: Callable[[Detail], str], size: Callable[[str], int], limit: int) -> str:
    """The most detailed rendering whose `size` is at most `limit`.

    Raises:
        ValueError: even the shortest is longer; the templates bound everything, so this is a defect of theirs.
    """
    for detail in STEPS:
        text = render(detail)
        if size(text) <= limit:
            return text
    raise ValueError(f"the shortest rendering is longer than {limit}")


def utf8_size(text: str) -> int:
    """Bytes of the text as a file."""
    return len(text.encode())
