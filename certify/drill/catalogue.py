"""Finds the installed faults by their entry points, ours as a stranger's."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from certify.engine.registry import Registry, RegistryError
from certify.model.fault import Fault, FaultKind
from certify.profile.options import option_names

FAULTS = "certify.faults"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RULE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")

Catalogue = dict[str, Fault]


def discover_faults() -> Catalogue:
    """All installed faults by name.

    Raises:
        RegistryError: two owners claim one name, or one of them cannot be used.
    """
    owners: dict[str, str] = {}
    found: Catalogue = {}
    for point in entry_points(group=FAULTS):
        owner = _owner(point)
        for fault in _load(point, owner):
            if problem := problem_of(fault):
                raise RegistryError(f"{owner}: the fault {fault.name!r} {problem}")
            if fault.name in found:
                raise RegistryError(
                    f"fault {fault.name!r} is claimed by {owners[fault.name]!r} and by {owner!r}: uninstall one of them"
                )
            found[fault.name], owners[fault.name] = fault, owner
    return dict(sorted(found.items()))


def problem_of(fault: Fault) -> str:
    """What is wrong with a declaration, as the end of a sentence; empty when nothing is."""
    ways = {
        FaultKind.OVERLAY: bool(fault.overlay),
        FaultKind.PATCH: fault.patch is not None,
        FaultKind.DATA: fault.damage is not None,
        FaultKind.DISRUPTION: bool(fault.disruptions),
    }
    if not _NAME.fullmatch(fault.name):
        return "has a name that is not in kebab case"
    if [kind for kind, given in ways.items() if given] != [fault.kind]:
        return f"is of kind {fault.kind}, and must be given as just that"
    if not fault.caught_by:
        return "names no rule that must catch it"
    wrong = [
        rule
        for rule in (*fault.caught_by, *(also.partition("@")[0] for also in fault.also))
        if not _RULE.fullmatch(rule)
    ]
    return f"names {wrong[0]!r}, which is not of the form CHECK.RULE" if wrong else ""


def check_options(faults: Iterable[Fault], registry: Registry) -> None:
    """Refuse options that a check does not have: a slip of the pen would make a drill slow, or its answer another one.

    Raises:
        RegistryError: naming the fault and the option.
    """
    for fault in faults:
        for check_id, options in fault.options.items():
            check = registry[check_id].check if check_id in registry else None
            unknown = _unknown(options, option_names(check)) if check else []
            if unknown:
                raise RegistryError(f"the fault {fault.name!r} sets {unknown[0]!r}, which check {check_id!r} has not")


def _unknown(options: Mapping[str, object], known: Iterable[str]) -> list[str]:
    return sorted(set(options) - set(known))


def _load(point: EntryPoint, owner: str) -> tuple[Fault, ...]:
    try:
        value = point.load()
    except Exception as error:  # a stranger's module may raise anything while it is imported
        raise RegistryError(f"{owner}: {point.value} cannot be loaded: {error}") from error
    if not isinstance(value, tuple) or not all(isinstance(fault, Fault) for fault in value):
        raise RegistryError(f"{owner}: {point.value} is no tuple of certify.api.Fault")
    return value


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
