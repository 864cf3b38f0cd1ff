"""Durations as profiles write them: `5 s`, `300 ms`, `5 m`."""

from typing import Final, Self

from certify.model.quantity import parse_quantity

DURATION_PATTERN: Final = r"^\s*\d+(\.\d+)?\s*(us|ms|s|m|min|h|d)\s*$"


class Duration(str):
    """A length of time, kept as written; `seconds` and `microseconds` are its value.

    Raises:
        ValueError: not a number with a unit of time.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text at the border, so that a `Duration` in hand is always usable."""
        if parse_quantity(text).unit != "us":
            raise ValueError(f"{text!r} is not a length of time, such as '5 s' or '300 ms'")
        return super().__new__(cls, text)

    @property
    def microseconds(self) -> int:
        """The length in whole microseconds."""
        return parse_quantity(self).value

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.microseconds / 1_000_000

    @classmethod
    def of_microseconds(cls, value: int) -> Self:
        """The duration of exactly `value` microseconds."""
        return cls(f"{value} us")
