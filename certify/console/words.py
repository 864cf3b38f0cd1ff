"""The words and symbols that all consoles share. A symbol never stands without its word."""

from collections.abc import Mapping
from typing import Final

from certify.model.outcome import Outcome
from certify.model.quantity import format_quantity

SYMBOLS: Final[Mapping[str, str]] = {
    Outcome.PASS: "+",
    Outcome.FAIL: "x",
    Outcome.ERROR: "!",
    Outcome.INCONCLUSIVE: "?",
    Outcome.BLOCKED: "#",
    Outcome.UNIMPLEMENTED: "o",
    Outcome.SKIPPED: "-",
    Outcome.WARN: "~",
    Outcome.WAIVED: "w",
    Outcome.NOT_APPLICABLE: ".",
}
# Worst first, as a reader wants them.
ORDER: Final = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.UNIMPLEMENTED,
    Outcome.SKIPPED,
    Outcome.WARN,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)


def duration(us: int) -> str:
    """A length of time with a precision that a watcher can use: `840 ms`, `12.3 s`, `4.1 min`."""
    return format_quantity(us if us < 1_000 else us // 1_000 * 1_000, "us")


def counts(outcomes: Mapping[str, int]) -> str:
    """`1 fail, 3 pass`, worst first; what is not counted is not said."""
    ranked = [outcome.value for outcome in ORDER]
    known = sorted(outcomes, key=lambda name: ranked.index(name) if name in ranked else -1)
    said = [f"{outcomes[name]} {name}" for name in known if outcomes[name]]
    return ", ".join(said) or "nothing ruled"
