"""The decision: what follows from a record; it can be taken again without a new run."""

import msgspec

from certify.model.outcome import Mode, Outcome, Severity, Verdict
from certify.model.record import SCHEMA_VERSION


class ControlDecision(msgspec.Struct, frozen=True, rename="camel"):
    """The outcome of one control after waivers and modes."""

    id: str
    outcome: Outcome


class Blocker(msgspec.Struct, frozen=True, rename="camel"):
    """One control that keeps the run from being certified, with its one cause."""

    id: str
    outcome: Outcome
    cause: str
    severity: Severity = Severity.HIGH
    mode: Mode = Mode.BLOCK
    measured: str = ""
    cure: str = ""
    owner: str = ""
    origin: str = ""


class Waiver(msgspec.Struct, frozen=True, rename="camel"):
    """An accepted failure: which control, who accepted it, why, and until when (ISO date)."""

    control: str
    reason: str
    approver: str
    expires: str
    fingerprint: str = ""


class SignOff(msgspec.Struct, frozen=True, rename="camel"):
    """A role's approval; `signer` is the fingerprint of the key that gave it, empty while pending."""

    role: str
    signer: str = ""


class PreviousCertificate(msgspec.Struct, frozen=True, rename="camel"):
    """The certificate that this one is compared with."""

    run_id: str
    verdict: Verdict
    commit: str
    outcomes: dict[str, Outcome]


class Decision(msgspec.Struct, frozen=True, rename="camel"):
    """The answer: verdict, the sentence why, and every control's outcome."""

    run_id: str
    profile: str
    verdict: Verdict
    reason: str
    controls: tuple[ControlDecision, ...]
    blockers: tuple[Blocker, ...] = ()
    counts: dict[str, int] = {}
    waivers: tuple[Waiver, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()
    previous: PreviousCertificate | None = None
    reference: bool = False
    schema_version: int = SCHEMA_VERSION
