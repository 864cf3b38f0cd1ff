"""Which faults of the catalogue a drill takes. Pure."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from certify.engine.plan import PlanError
from certify.model.fault import Fault, FaultKind
from certify.profile.model import Profile
from certify.profile.problem import hint

_SHARE = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


class Wanted(msgspec.Struct, frozen=True):
    """What the user asked for; `sample` is (how many, of how many)."""

    faults: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    sample: tuple[int, int] | None = None
    seed: int = 0


class Chosen(msgspec.Struct, frozen=True):
    """The faults to drill, and why those that were not asked for by name are left out: name -> reason."""

    faults: tuple[Fault, ...]
    left_out: dict[str, str] = {}


def share(text: str) -> tuple[int, int]:
    """Read `1/10`.

    Raises:
        ValueError: it is no share of 1 or less.
    """
    found = _SHARE.fullmatch(text)
    some, whole = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < some <= whole:
        raise ValueError(f"{text!r} is no share such as 1/10")
    return some, whole


def choose(catalogue: Mapping[str, Fault], profile: Profile, wanted: Wanted, *, overlays: bool) -> Chosen:
    """What was asked for, without what this profile cannot show; of that, the sample.

    Args:
        catalogue: all faults by name.
        profile: whose rules and services they must concern.
        wanted: what the user asked for.
        overlays: whether the stack's processes can be started with a fault.

    Raises:
        PlanError: a name is unknown, or nothing is left.
    """
    proved = {rule for control in profile.controls for rule in control.prove}
    _known("fault", wanted.faults, catalogue)
    _known("rule", wanted.rules, proved | {rule for fault in catalogue.values() for rule in fault.caught_by})
    asked = [
        fault
        for fault in catalogue.values()
        if (not wanted.faults or fault.name in wanted.faults)
        and (not wanted.rules or set(wanted.rules) & set(fault.caught_by))
    ]
    reasons = {fault.name: _unsuitable(fault, profile, proved, overlays=overlays) for fault in asked}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    for name in wanted.faults:
        if name in left_out:
            raise PlanError(f"the fault {name!r} cannot be drilled with this profile: {left_out[name]}")
    fit = [fault for fault in asked if fault.name not in left_out]
    if not fit:
        raise PlanError(_nothing(wanted, catalogue, left_out))
    return Chosen(tuple(_sampled(fit, wanted)), left_out)


def _unsuitable(fault: Fault, profile: Profile, proved: Iterable[str], *, overlays: bool) -> str:
    missing = [rule for rule in fault.caught_by if rule not in proved]
    if missing:
        return f"no control of the profile asks {', '.join(missing)}"
    stack = profile.stack
    names = {service.name for service in stack.services} | {"gateway", "database", "broker"}
    # Parts such as the database server have names of their own, which only the running stack tells.
    if fault.kind in {FaultKind.OVERLAY, FaultKind.PATCH} and fault.target and fault.target not in names:
        return f"the stack has no service {fault.target!r}"
    if fault.kind is FaultKind.OVERLAY and not overlays:
        return "only the embedded driver can start services with a fault"
    if fault.kind in {FaultKind.DATA, FaultKind.DISRUPTION} and not stack.disposable:
        return "the profile does not call the stack disposable"
    return ""


def _sampled(faults: list[Fault], wanted: Wanted) -> list[Fault]:
    """Every n-th, beginning elsewhere with each seed, so that n seeds in a row see each once."""
    if wanted.sample is None:
        return faults
    some, whole = wanted.sample
    first = wanted.seed * some
    return [fault for at, fault in enumerate(faults) if (at - first) % whole < some] or [
        faults[wanted.seed % len(faults)]
    ]


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    names, known = tuple(names), sorted(known)
    for name in names:
        if name not in known:
            raise PlanError(f"no {kind} is called {name!r}{hint(name, known)} (see certify drill --list)")


def _nothing(wanted: Wanted, catalogue: Mapping[str, Fault], left_out: Mapping[str, str]) -> str:
    if not catalogue:
        return "no fault is installed: the entry-point group certify.faults is empty"
    if wanted.rules and not left_out:
        return f"no installed fault is caught by {', '.join(wanted.rules)}"
    return f"no installed fault fits this profile: {next(iter(left_out.values()), 'nothing was asked for')}"
