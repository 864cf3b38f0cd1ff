"""The decision: a pure function of record, waivers, sign-offs and previous certificate.

Precedence of verdicts, worst first: NOT CERTIFIED, INCONCLUSIVE, PARTIAL, PENDING SIGN-OFF, CERTIFIED WITH WAIVERS,
CERTIFIED. A run that executed nothing is INCONCLUSIVE.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from certify.model.decision import Blocker, ControlDecision, Decision, PreviousCertificate, SignOff, Waiver
from certify.model.outcome import Mode, Outcome, Verdict
from certify.model.record import ControlResult, Record
from certify.model.ruling import Measurement

EXECUTED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.WAIVED})
_CANNOT_TELL = frozenset({Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.BLOCKED})
_LEFT_OUT = frozenset({Outcome.SKIPPED, Outcome.UNIMPLEMENTED})
# Weakenings that make the run say less than the profile asks, whatever its controls say.
NARROWING = frozenset(
    {
        "quick",
        "shortened",
        "narrowed",
        "source-unknown",
        "source-dirty",
        "interrupted",
        "boot-failed",
        "service-died",
        "stack-gone",
        "stack-left-disturbed",
    }
)
_ORDER = {Outcome.FAIL: 0, Outcome.ERROR: 1, Outcome.INCONCLUSIVE: 2, Outcome.BLOCKED: 3}


def decide(
    record: Record,
    *,
    waivers: tuple[Waiver, ...] = (),
    roles: tuple[str, ...] = (),
    sign_offs: tuple[SignOff, ...] = (),
    previous: PreviousCertificate | None = None,
) -> Decision:
    """Take the decision.

    Args:
        record: what was observed and ruled.
        waivers: accepted failures; one that had expired when the run finished is no waiver.
        roles: who must sign.
        sign_offs: who has signed this very record.
        previous: the certificate to compare with.
    """
    today = date.fromisoformat(record.finished[:10])
    valid = tuple(waiver for waiver in waivers if date.fromisoformat(waiver.expires) >= today)
    outcomes = {control.id: decided_outcome(control, valid) for control in record.controls}
    pending = tuple(SignOff(role) for role in roles if role not in {sign.role for sign in sign_offs})
    verdict, reason = _verdict(record, outcomes, pending)
    return Decision(
        run_id=record.run_id,
        profile=record.profile,
        verdict=verdict,
        reason=reason,
        controls=tuple(ControlDecision(control.id, outcomes[control.id]) for control in record.controls),
        blockers=_blockers(record.controls, outcomes),
        counts=dict(Counter(str(outcome) for outcome in outcomes.values())),
        waivers=tuple(waiver for waiver in valid if outcomes.get(waiver.control) is Outcome.WAIVED),
        sign_offs=(*sign_offs, *pending),
        previous=previous,
        reference=record.release.reference,
    )


def decided_outcome(control: ControlResult, waivers: Iterable[Waiver]) -> Outcome:
    """A control's outcome after its mode and its waivers: only a failure can be waived or be a mere warning."""
    if control.outcome is not Outcome.FAIL:
        return control.outcome
    if control.mode is not Mode.BLOCK:
        return Outcome.WARN
    return Outcome.WAIVED if any(_covers(waiver, control) for waiver in waivers) else Outcome.FAIL


def _covers(waiver: Waiver, control: ControlResult) -> bool:
    """A waiver with a fingerprint covers that finding alone: a new one beside it blocks again."""
    if waiver.control != control.id:
        return False
    return not waiver.fingerprint or {finding.fingerprint for finding in control.findings} == {waiver.fingerprint}


def _verdict(record: Record, outcomes: dict[str, Outcome], pending: tuple[SignOff, ...]) -> tuple[Verdict, str]:
    blocking = {control.id: outcomes[control.id] for control in record.controls if control.mode is Mode.BLOCK}
    failed = _having(blocking, {Outcome.FAIL})
    unclear = _having(blocking, _CANNOT_TELL)
    left_out = _having(blocking, _LEFT_OUT)
    narrowed = sorted({entry.kind for entry in record.ledger} & NARROWING)
    waived = _having(blocking, {Outcome.WAIVED})
    worst_first = (
        (bool(failed), Verdict.NOT_CERTIFIED, f"{_count(failed)} failed: {_some(failed)}"),
        (not _having(outcomes, EXECUTED), Verdict.INCONCLUSIVE, "nothing was executed"),
        (bool(unclear), Verdict.INCONCLUSIVE, f"{_count(unclear)} could not be told: {_some(unclear)}"),
        (bool(left_out or narrowed), Verdict.PARTIAL, _partial(left_out, narrowed)),
        (bool(pending), Verdict.PENDING_SIGN_OFF, "wanted from: " + ", ".join(sign.role for sign in pending)),
        (bool(waived), Verdict.CERTIFIED_WITH_WAIVERS, f"{_count(waived)} waived: {_some(waived)}"),
        (True, Verdict.CERTIFIED, f"all {len(blocking)} blocking controls hold"),
    )
    return next((verdict, reason) for applies, verdict, reason in worst_first if applies)


def _having(outcomes: dict[str, Outcome], wanted: "frozenset[Outcome] | set[Outcome]") -> list[str]:
    return [control for control, outcome in outcomes.items() if outcome in wanted]


def _partial(left_out: list[str], narrowed: list[str]) -> str:
    parts = [f"{_count(left_out)} left out: {_some(left_out)}"] if left_out else []
    parts += [f"the run was weakened: {', '.join(narrowed)}"] if narrowed else []
    return "; ".join(parts)


def _count(controls: list[str]) -> str:
    return f"{len(controls)} control{'' if len(controls) == 1 else 's'}"


def _some(controls: list[str], most: int = 5) -> str:
    shown = ", ".join(controls[:most])
    return f"{shown} and {len(controls) - most} more" if len(controls) > most else shown


def _blockers(controls: tuple[ControlResult, ...], outcomes: dict[str, Outcome]) -> tuple[Blocker, ...]:
    found = [
        _blocker(control, outcomes[control.id])
        for control in controls
        if control.mode is Mode.BLOCK and outcomes[control.id] in _ORDER
    ]
    return tuple(sorted(found, key=lambda blocker: _ORDER[blocker.outcome]))


def _blocker(control: ControlResult, outcome: Outcome) -> Blocker:
    deciding = next((ruling for ruling in control.rulings if ruling.outcome is control.outcome), None)
    findings = deciding.findings if deciding else ()
    measured = next((item for item in control.measurements if _breaks(item)), None)
    return Blocker(
        id=control.id,
        outcome=outcome,
        cause=control.reason,
        severity=control.severity,
        mode=control.mode,
        measured=str(measured) if measured else "",
        cure=control.cure or next((finding.cure for finding in findings if finding.cure), ""),
        owner=control.owner,
        origin=str(control.origin),
    )


def _breaks(item: Measurement) -> bool:
    """Whether this is the figure that keeps the control from passing: its limit is broken, or its interval straddles it."""
    if item.limit is None:
        return False
    low, high = item.interval or (item.value, item.value)
    return not item.limit.holds(item.value) or item.limit.decide(low, high) is not Outcome.PASS
