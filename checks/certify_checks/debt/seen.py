"""What the check saw: for each rule the files that it could judge, what it found, and whether its decoy was found."""

import msgspec

from certify_checks.source_tree import ServiceSource

MARKERS, DEBUG, COMMENTED = "markers", "debug-output", "commented-code"


class Spot(msgspec.Struct, frozen=True):
    """One place in one file; `code` is the offending line, `kind` the word or the code of its tool."""

    service: str
    file: str
    line: int
    column: int
    kind: str
    code: str = ""


class Judged(msgspec.Struct, frozen=True):
    """What one rule looked at.

    Attributes:
        files: file -> language, of those that the rule can judge.
        spots: what it found.
        broken: file -> why it could not be read.
        decoys: language or tool -> how many of the planted spots were found.
        planted: language or tool -> how many there are.
        problem: why the tool gave no answer; empty otherwise.
    """

    files: dict[str, str] = {}
    spots: tuple[Spot, ...] = ()
    broken: dict[str, str] = {}
    decoys: dict[str, int] = {}
    planted: dict[str, int] = {}
    problem: str = ""


class DebtSeen(msgspec.Struct, frozen=True):
    """One observation for all rules.

    Attributes:
        sources: the source files of each service, of any kind.
        lines: lines of all files that some rule judged.
        judged: by rule id; a rule that was not asked for is absent.
        problem: why nothing was looked at; empty otherwise.
    """

    sources: tuple[ServiceSource, ...] = ()
    lines: int = 0
    judged: dict[str, Judged] = {}
    problem: str = ""
