"""What a check process and the engine say to each other: one assignment in, JSON lines out.

Any executable that reads an `Assignment` from standard input and writes these lines to standard output is a check;
called with the single argument `--describe` it writes a `Description` instead. See docs/adding-a-check.md.

The assignment is one line. Standard input ends after it, unless the assignment says `disturbs`: then a `Reply` follows, a
line each, for every `Ask`.
"""

from typing import Any

import msgspec

from certify.model.check import Capability, Criteria, Disruption
from certify.model.record import SelfTest
from certify.model.ruling import Ruling
from certify.model.stack import Stack

PROTOCOL = 1
# A line longer than this is refused, so that a check gone wild cannot fill the engine's memory.
MAX_LINE = 64 * 1024 * 1024


class RuleDescription(msgspec.Struct, frozen=True):
    """One rule as the planner sees it. `limits` maps names to default texts; null: the profile must give it.

    `last`: it wants to be observed after all other checks have ended. `uses`: what it takes where it is offered.
    """

    id: str
    title: str
    needs: frozenset[Capability] = frozenset()
    limits: dict[str, str | None] = {}
    last: bool = False
    uses: frozenset[Capability] = frozenset()


class Description(msgspec.Struct, frozen=True):
    """One check as the planner sees it; `budget` is in seconds."""

    id: str
    title: str
    rules: tuple[RuleDescription, ...]
    budget: float = 120.0
    version: str = ""


class Question(msgspec.Struct, frozen=True):
    """One control's question to one rule. `key` is the engine's; it comes back with the ruling."""

    key: str
    rule: str
    criteria: Criteria


class Assignment(msgspec.Struct, frozen=True):
    """All that a check process is told. Paths are absolute. `entry` is `module:attribute` for Python checks.

    `disturbs`: it may send an `Ask`, and must not wait for the end of its standard input.
    """

    check: str
    questions: tuple[Question, ...]
    evidence: str
    scratch: str
    options: dict[str, Any] = {}
    source_root: str = ""
    seed: int = 0
    stack: Stack = Stack()
    budget_us: int = 0
    quick: bool = False
    run_options: dict[str, str] = {}
    capabilities: frozenset[Capability] = frozenset()
    entry: str = ""
    disturbs: bool = False
    protocol: int = PROTOCOL


class Reply(msgspec.Struct, frozen=True, tag="reply", tag_field="type"):
    """What became of an `Ask` with that `id`: done, or refused with the reason in `error`."""

    id: int
    error: str = ""


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """First line: which check answers, in which version."""

    check: str
    version: str = ""
    protocol: int = PROTOCOL


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="type"):
    """How far the check is; `total` 0: unknown."""

    text: str
    done: int = 0
    total: int = 0


class Weakening(msgspec.Struct, frozen=True, tag="weakening", tag_field="type"):
    """Something that makes the run say less than the profile asks; it goes into the sealed ledger."""

    kind: str
    text: str


class Ask(msgspec.Struct, frozen=True, tag="disturb", tag_field="type"):
    """Do this to the stack. `id` is the check's choice and comes back in the `Reply`; several may be under way."""

    id: int
    disruption: Disruption


class Observed(msgspec.Struct, frozen=True, tag="observed", tag_field="type"):
    """The observation was written to `file` in the evidence folder."""

    file: str
    sha256: str


class Ruled(msgspec.Struct, frozen=True, tag="ruling", tag_field="type"):
    """The answer to one question, with the self-test of the rule on this very observation."""

    key: str
    rule: str
    ruling: Ruling
    selftest: SelfTest = SelfTest()


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="type"):
    """The check could not do its work; `trace` is for people."""

    message: str
    trace: str = ""


class Done(msgspec.Struct, frozen=True, tag="done", tag_field="type"):
    """Last line: everything was said."""


Message = Hello | Progress | Weakening | Ask | Observed | Ruled | Failed | Done
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def read_message(line: bytes) -> Message:
    """Decode one line.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none of the messages.
    """
    return _DECODER.decode(line)
