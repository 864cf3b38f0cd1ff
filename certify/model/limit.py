"""Limits: the only place where a measured value is compared with what a profile asks."""

import operator
import re
from collections.abc import Callable
from typing import Final, Self

import msgspec

from certify.model.outcome import Outcome
from certify.model.quantity import NUMBER_PATTERN, parse_quantity

_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_PATTERN: Final = re.compile(r"\s*(<=|>=|==|<|>)?\s*(.*?)\s*")
LIMIT_PATTERN: Final = r"^\s*(<=|>=|==|<|>)?\s*" + NUMBER_PATTERN + r"\s*$"


class Origin(msgspec.Struct, frozen=True):
    """Where a value was written: `file` as the user named it, `line` and `column` from 1 (0: unknown)."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.file:
            return "built in"
        return f"{self.file}:{self.line}" if self.line else self.file


class Limit(msgspec.Struct, frozen=True):
    """One bound on one measured quantity, with the place it comes from.

    `value` is in the smallest `unit` of its dimension (see `certify.model.quantity`).
    """

    operator: str
    value: int
    unit: str
    text: str
    origin: Origin = Origin()

    @classmethod
    def parse(cls, text: str, origin: Origin = Origin()) -> Self:
        """Read `< 300 ms`, `>= 80 %`, `== 18`; a bare number means equality.

        Raises:
            ValueError: not of that form.
        """
        found = _PATTERN.fullmatch(text)
        written = found[2] if found else text
        quantity = parse_quantity(written)
        sign = (found[1] if found else None) or "=="
        # As written, because a formatted figure may be rounded and a limit must be told exactly.
        return cls(sign, quantity.value, quantity.unit, f"{sign} {written}", origin)

    def holds(self, value: int) -> bool:
        """Whether `value`, in this limit's smallest unit, is within the limit."""
        return _COMPARE[self.operator](value, self.value)

    def decide(self, low: int, high: int) -> Outcome:
        """Decide on a confidence interval: pass or fail only when both of its ends agree."""
        ends = {self.holds(low), self.holds(high)}
        if len(ends) == 2:
            return Outcome.INCONCLUSIVE
        return Outcome.PASS if ends.pop() else Outcome.FAIL

    def beyond(self) -> int:
        """A value one unit beyond, which breaks this limit: what self-tests plant."""
        return self.value + 1 if self.operator in {"<", "<=", "=="} else self.value - 1

    def __str__(self) -> str:
        return self.text
