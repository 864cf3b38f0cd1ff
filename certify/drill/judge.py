"""What a scene's rulings say of its faults: caught, missed, blamed wrongly, or not to be told. Pure."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

import msgspec

from certify.drill.scene import Scene, concerned
from certify.model.fault import Fault
from certify.model.outcome import Outcome
from certify.model.record import RuleResult

Results = Mapping[str, tuple[RuleResult, ...]]
_FINE = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


class Finish(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    MISSED = "missed"
    UNKNOWN = "cannot tell"


class Judged(msgspec.Struct, frozen=True):
    """One fault's fate. `outcome` is that of its rules together: `fail` when each of them noticed it."""

    fault: str
    finish: Finish
    outcome: str
    detail: str


class CleanTrouble(msgspec.Struct, frozen=True):
    """A rule that did not pass on the clean stack; `failed`: it raised a false alarm, else it could not tell."""

    rule: str
    failed: bool
    detail: str


def judge_clean(results: Results, unbooted: Mapping[str, str]) -> tuple[CleanTrouble, ...]:
    """What keeps the clean stack from being clean. `unbooted` maps what did not come up to the reason."""
    boot = (CleanTrouble("", failed=True, detail=f"{name} did not come up: {why}") for name, why in unbooted.items())
    rules = (
        CleanTrouble(result.rule, result.outcome is Outcome.FAIL, told(result))
        for some in results.values()
        for result in some
        if result.outcome not in _FINE
    )
    return (*boot, *dict.fromkeys(rules))


def judge_fault(fault: Fault, results: Results, services: Collection[str]) -> Judged:
    """Whether each rule of `caught_by` failed, and its findings, as far as they name services, name the target."""
    for rule in fault.caught_by:
        some = results.get(rule, ())
        if not any(_notices(result, fault, services) for result in some):
            return _missed(fault, rule, some, services)
    told_by = (next(r for r in results[rule] if _notices(r, fault, services)) for rule in fault.caught_by)
    return Judged(fault.name, Finish.CAUGHT, Outcome.FAIL, "; ".join(told(result) for result in told_by))


def blames(scene: Scene, results: Results, services: Collection[str]) -> tuple[str, ...]:
    """What rules say against services, or at all, that no fault of the scene explains."""
    found = []
    for rule, some in results.items():
        blamers = [fault for fault in scene.faults if rule in concerned(fault)]
        failed = [result for result in some if result.outcome is Outcome.FAIL]
        if failed and not blamers:
            found.append(f"{rule} failed, although no fault here concerns it: {told(failed[0])}")
        if blamers:
            strangers = _named(failed, services) - _explained(blamers, rule, services)
            found += [f"{rule} blames {name}, which has no fault" for name in sorted(strangers)]
    return tuple(found)


def told(result: RuleResult) -> str:
    """A ruling in one line: its reason, what it says, and the first finding."""
    reason = f"{result.reason}: " if result.outcome not in {Outcome.PASS, Outcome.FAIL} and result.reason else ""
    first = f" ({result.findings[0].message})" if result.findings else ""
    return f"{reason}{result.summary}{first}"


def _explained(blamers: Iterable[Fault], rule: str, services: Collection[str]) -> set[str]:
    """The services that `rule` may name because of these faults."""
    names: set[str] = set()
    for fault in blamers:
        # Without a target, or with one that is no service, a fault explains whatever its rules name.
        names |= {fault.target} if fault.target in services else set(services)
        names |= {also.partition("@")[2] for also in fault.also if also.partition("@")[0] == rule}
    return names


def _notices(result: RuleResult, fault: Fault, services: Collection[str]) -> bool:
    if result.outcome is not Outcome.FAIL:
        return False
    named = _named([result], services)
    return not named or bool(named & _explained([fault], result.rule, services))


def _named(results: Iterable[RuleResult], services: Collection[str]) -> set[str]:
    return {finding.location.service for result in results for finding in result.findings} & set(services)


def _missed(fault: Fault, rule: str, some: tuple[RuleResult, ...], services: Collection[str]) -> Judged:
    if not some:
        return Judged(fault.name, Finish.MISSED, "not-run", f"{rule} did not run")
    failed = [result for result in some if result.outcome is Outcome.FAIL]
    if failed:
        names = ", ".join(sorted(_named(failed, services)))
        return Judged(fault.name, Finish.MISSED, "elsewhere", f"{rule} failed, but names {names}: {told(failed[0])}")
    worst = next((result for result in some if result.outcome not in _FINE), some[0])
    return Judged(fault.name, Finish.MISSED, worst.outcome, f"{rule}: {told(worst)}")
