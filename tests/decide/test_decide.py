"""The verdict follows from the record by one order of precedence."""

from typing import Any

import msgspec
import pytest

from certify.decide import NARROWING, decide
from certify.model.decision import SignOff, Waiver
from certify.model.outcome import Mode, Outcome, Severity, Verdict
from certify.model.record import (
    Component,
    ControlResult,
    LedgerEntry,
    Record,
    Release,
    RuleResult,
    Tool,
)
from certify.model.ruling import Finding, Location


def control(name: str, outcome: Outcome, mode: Mode = Mode.BLOCK, findings: tuple[Finding, ...] = ()) -> ControlResult:
    ruling = RuleResult("a.b", outcome, "what was seen", findings=findings)
    return ControlResult(name, name, "", Severity.HIGH, mode, outcome, "why", (ruling,), findings=findings)


def record(*controls: ControlResult, ledger: tuple[LedgerEntry, ...] = ()) -> Record:
    return Record(
        run_id="r",
        profile="p",
        profile_digest="0" * 64,
        release=Release("p", reference=False, components=(Component("p", "verified"),)),
        tool=Tool("certify", "1"),
        environment={},
        controls=controls,
        services=(),
        jobs=(),
        timings={},
        ledger=ledger,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:01:00+00:00",
    )


PASS = control("C-0", Outcome.PASS)
WAIVER = Waiver("C-1", "known", "cto", "2026-06-30")


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.PASS, Verdict.CERTIFIED),
        (Outcome.NOT_APPLICABLE, Verdict.CERTIFIED),
        (Outcome.FAIL, Verdict.NOT_CERTIFIED),
        (Outcome.ERROR, Verdict.INCONCLUSIVE),
        (Outcome.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (Outcome.BLOCKED, Verdict.INCONCLUSIVE),
        (Outcome.UNIMPLEMENTED, Verdict.PARTIAL),
        (Outcome.SKIPPED, Verdict.PARTIAL),
    ],
)
def test_one_blocking_control_decides_beside_a_good_one(outcome: Outcome, verdict: Verdict) -> None:
    decision = decide(record(PASS, control("C-1", outcome)))
    assert decision.verdict is verdict
    assert ("C-1" in decision.reason) == (verdict is not Verdict.CERTIFIED)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.WAIVED}))
def test_a_run_that_executed_nothing_is_inconclusive(outcome: Outcome) -> None:
    assert decide(record(control("C-1", outcome))).verdict is Verdict.INCONCLUSIVE
    assert decide(record()).verdict is Verdict.INCONCLUSIVE


def test_the_worst_verdict_wins() -> None:
    everything = [control(f"C-{n}", outcome) for n, outcome in enumerate(Outcome)]
    assert decide(record(*everything)).verdict is Verdict.NOT_CERTIFIED
    unclear = [one for one in everything if one.outcome is not Outcome.FAIL]
    assert decide(record(*unclear)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("kind", sorted(NARROWING))
def test_a_weakened_run_is_never_certified(kind: str) -> None:
    assert decide(record(PASS, ledger=(LedgerEntry(kind, "weaker"),))).verdict is Verdict.PARTIAL


def test_a_failure_that_only_warns_does_not_block() -> None:
    decision = decide(record(PASS, control("C-1", Outcome.FAIL, Mode.WARN)))
    assert decision.verdict is Verdict.CERTIFIED
    assert decision.controls[1].outcome is Outcome.WARN


def test_a_waiver_covers_a_failure_until_it_expires() -> None:
    seen = record(PASS, control("C-1", Outcome.FAIL))
    assert decide(seen, waivers=(WAIVER,)).verdict is Verdict.CERTIFIED_WITH_WAIVERS
    expired = msgspec.structs.replace(WAIVER, expires="2025-12-31")
    assert decide(seen, waivers=(expired,)).verdict is Verdict.NOT_CERTIFIED
    other = msgspec.structs.replace(WAIVER, control="C-2")
    assert decide(seen, waivers=(other,)).verdict is Verdict.NOT_CERTIFIED


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.BLOCKED, Outcome.UNIMPLEMENTED])
def test_what_cannot_be_told_cannot_be_waived(outcome: Outcome) -> None:
    decision = decide(record(PASS, control("C-1", outcome)), waivers=(WAIVER,))
    assert decision.verdict in {Verdict.INCONCLUSIVE, Verdict.PARTIAL}


def test_a_waiver_of_one_finding_does_not_cover_a_new_one() -> None:
    known, new = (
        Finding("x", "known", location=Location(file="a.py")),
        Finding("x", "new", location=Location(file="b.py")),
    )
    waiver = msgspec.structs.replace(WAIVER, fingerprint=known.fingerprint)
    assert decide(record(control("C-1", Outcome.FAIL, findings=(known,))), waivers=(waiver,)).verdict is (
        Verdict.CERTIFIED_WITH_WAIVERS
    )
    both = record(control("C-1", Outcome.FAIL, findings=(known, new)))
    assert decide(both, waivers=(waiver,)).verdict is Verdict.NOT_CERTIFIED


def test_sign_offs_are_pending_until_all_roles_have_signed() -> None:
    roles = ("qa", "security")
    assert decide(record(PASS), roles=roles).verdict is Verdict.PENDING_SIGN_OFF
    one = decide(record(PASS), roles=roles, sign_offs=(SignOff("qa", "k"),))
    assert one.verdict is Verdict.PENDING_SIGN_OFF
    assert one.reason == "wanted from: security"
    assert decide(record(PASS), roles=roles, sign_offs=(SignOff("qa", "k"), SignOff("security", "k"))).verdict is (
        Verdict.CERTIFIED
    )


def test_a_fingerprint_survives_moved_lines_and_changed_white_space() -> None:
    def found(**more: Any) -> str:
        return Finding("x", "m", location=Location(file="a.py", **more), context="print( 1 )").fingerprint

    assert found(line=3) == found(line=99, column=7)
    again = Finding("x", "other words", location=Location(file="a.py"), context="print(1)")
    assert again.fingerprint == found()
    assert Finding("y", "m", location=Location(file="a.py"), context="print(1)").fingerprint != found()


def test_deciding_again_gives_the_same_decision() -> None:
    seen = record(PASS, control("C-1", Outcome.FAIL))
    again = msgspec.json.decode(msgspec.json.encode(seen), type=Record)
    assert decide(again) == decide(seen)
