"""Outcomes of rules and controls, verdicts of runs, and their order of precedence."""

from enum import StrEnum

from certify.model.exit_codes import ExitCode


class Outcome(StrEnum):
    """What can be said of a rule or a control. Only `PASS` is good; "cannot tell" is never good."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    WARN = "warn"
    WAIVED = "waived"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not-applicable"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    UNIMPLEMENTED = "unimplemented"


# Worst first. A control proved by several rules takes the worst of their outcomes.
_WORST_FIRST = (
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
_RANK = {outcome: rank for rank, outcome in enumerate(_WORST_FIRST)}


def worst(outcomes: "list[Outcome]") -> Outcome:
    """The outcome that decides; nothing at all is `UNIMPLEMENTED`, because nothing was proved."""
    return min(outcomes, key=_RANK.__getitem__, default=Outcome.UNIMPLEMENTED)


class Severity(StrEnum):
    """How much a broken control or a finding matters."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Mode(StrEnum):
    """What a broken control does to the verdict: `block` it, `warn` about it, or only `info`rm."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Verdict(StrEnum):
    """The answer of a run, best first."""

    CERTIFIED = "CERTIFIED"
    CERTIFIED_WITH_WAIVERS = "CERTIFIED WITH WAIVERS"
    PENDING_SIGN_OFF = "PENDING SIGN-OFF"
    PARTIAL = "PARTIAL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_CERTIFIED = "NOT CERTIFIED"

    @property
    def exit_code(self) -> ExitCode:
        """The process's exit code for this verdict."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.CERTIFIED: ExitCode.CERTIFIED,
    Verdict.CERTIFIED_WITH_WAIVERS: ExitCode.CERTIFIED,
    Verdict.PENDING_SIGN_OFF: ExitCode.PENDING,
    Verdict.PARTIAL: ExitCode.INCONCLUSIVE,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.NOT_CERTIFIED: ExitCode.NOT_CERTIFIED,
}
