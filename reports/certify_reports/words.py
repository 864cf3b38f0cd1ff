"""Words, symbols and order of outcomes and verdicts. Every symbol stands beside its word; colour only repeats it."""

from collections.abc import Iterable
from typing import Final

from certify.api import ControlDecision, Outcome, Severity, Verdict

SYMBOLS: Final[dict[str, str]] = {
    Outcome.FAIL: "✗",
    Outcome.ERROR: "!",
    Outcome.INCONCLUSIVE: "?",
    Outcome.BLOCKED: "⊘",
    Outcome.UNIMPLEMENTED: "○",
    Outcome.SKIPPED: "↷",
    Outcome.WARN: "△",
    Outcome.WAIVED: "≈",
    Outcome.PASS: "✓",
    Outcome.NOT_APPLICABLE: "·",
}
ORDER: Final = tuple(Outcome(name) for name in SYMBOLS)
# Nobody looked at these: a list of names says all that is to be said of them.
UNSEEN: Final = frozenset({Outcome.UNIMPLEMENTED, Outcome.SKIPPED})
GOOD: Final = frozenset({Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS})
_SEVERITIES: Final = tuple(Severity)

# Class of style and symbol of each verdict.
VERDICTS: Final[dict[Verdict, tuple[str, str]]] = {
    Verdict.CERTIFIED: ("good", "✓"),
    Verdict.CERTIFIED_WITH_WAIVERS: ("good", "≈"),
    Verdict.PENDING_SIGN_OFF: ("open", "…"),
    Verdict.PARTIAL: ("open", "◐"),
    Verdict.INCONCLUSIVE: ("open", "?"),
    Verdict.NOT_CERTIFIED: ("bad", "✗"),
}


def rank(outcome: Outcome, severity: Severity = Severity.INFO) -> tuple[int, int]:
    """Sorting key: worst outcome first, then worst severity."""
    return ORDER.index(outcome), _SEVERITIES.index(severity)


def tally(controls: Iterable[ControlDecision]) -> list[tuple[Outcome, int]]:
    """How often each outcome occurs, worst first, without those that do not occur."""
    seen = [control.outcome for control in controls]
    return [(outcome, seen.count(outcome)) for outcome in ORDER if outcome in seen]


def tally_text(controls: Iterable[ControlDecision]) -> str:
    """`2 fail, 48 unimplemented, 14 pass`."""
    return ", ".join(f"{count} {outcome}" for outcome, count in tally(controls)) or "no control"
