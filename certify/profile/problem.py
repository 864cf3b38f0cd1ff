"""What is wrong with a profile: where, what was expected, and the nearest right name."""

import difflib
from collections.abc import Iterable
from enum import IntEnum

import msgspec

from certify.model.limit import Origin

_SHOWN = 60


class Level(IntEnum):
    """How bad: only an error keeps a profile from being used."""

    ERROR = 0
    WARNING = 1
    NOTE = 2


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, or worth knowing, at one place."""

    origin: Origin
    message: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        kind = "" if self.level is Level.ERROR else f"{self.level.name.lower()}: "
        return f"{place(self.origin)}: {kind}{self.message}"


class ProfileError(Exception):
    """A profile that cannot be used. `problems` has all that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def place(origin: Origin) -> str:
    """`file:line:column`, as far as it is known."""
    return f"{origin}:{origin.column}" if origin.line and origin.column else str(origin)


def quoted(text: str) -> str:
    """Text from a file as it may be shown: on one line, bounded, control characters escaped."""
    return repr(text) if len(text) <= _SHOWN else repr(text[:_SHOWN]) + "..."


def hint(name: str, known: Iterable[str], *, offer: bool = True) -> str:
    """The end of a sentence about an unknown name: the nearest known one, else (`offer`) the known ones."""
    names = sorted(known)
    near = nearest(name, names)
    if near:
        return f"; did you mean {near!r}?"
    return f"; known: {', '.join(names)}" if names and offer else ""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known name that looks most like `name`; empty when none does."""
    by_folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold()[:200], by_folded, n=1, cutoff=cutoff)
    return by_folded[close[0]] if close else ""
