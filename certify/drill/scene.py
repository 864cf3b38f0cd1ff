"""What a drill is made of: scenes, each with faults that share one boot, or one copy of the source. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from certify.engine.registry import Registry
from certify.model.check import NEEDS_STACK
from certify.model.fault import Fault, FaultKind

Options = dict[str, dict[str, Any]]
NeedsStack = Callable[[Fault], bool]


class Scene(msgspec.Struct, frozen=True):
    """One use of the stack.

    Attributes:
        name: also that of its folder with the evidence.
        faults: planted in it; none: the clean stack.
        asks: the rules that are run, each with the options that their checks get beside the profile's.
        on_stack: whether the stack is booted; else only the source is looked at.
        services: to which the source is narrowed; empty: all.
    """

    name: str
    faults: tuple[Fault, ...]
    asks: tuple[tuple[str, Options], ...]
    on_stack: bool
    services: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are run, each once."""
        return tuple(dict.fromkeys(rule for rule, _ in self.asks))


def needs_stack(registry: Registry) -> NeedsStack:
    """Whether a fault shows only on a booted stack: because of what it is, or because a rule that it concerns needs one."""
    stacked = {
        f"{check.id}.{rule.id}"
        for check in registry.values()
        for rule in check.description.rules
        if rule.needs & NEEDS_STACK
    }
    return lambda fault: fault.kind is not FaultKind.PATCH or bool(stacked & set(fault.caught_by))


def concerned(fault: Fault) -> frozenset[str]:
    """The rules that may fail because of it."""
    return _also(fault) | frozenset(fault.caught_by)


def _also(fault: Fault) -> frozenset[str]:
    return frozenset(also.partition("@")[0] for also in fault.also)


def grouped(faults: Iterable[Fault], on_stack: NeedsStack, bystander: str) -> list[list[Fault]]:
    """As few groups as first fit finds, each of faults whose symptoms can be told apart."""
    groups: list[list[Fault]] = []
    for fault in sorted(faults, key=lambda one: (not on_stack(one), _families(one), one.name)):
        home = next(
            (group for group in groups if all(compatible(fault, one, on_stack, bystander) for one in group)), None
        )
        if home is None:
            groups.append([fault])
        else:
            home.append(fault)
    return groups


def compatible(one: Fault, other: Fault, on_stack: NeedsStack, bystander: str) -> bool:
    """Whether two faults can share a scene: what a rule says must tell which of them it means."""
    if one.alone or other.alone or on_stack(one) != on_stack(other) or _contradict(one.options, other.options):
        return False
    apart = bool(one.target and other.target and one.target != other.target)
    if not on_stack(one):
        return bool(one.target) == bool(other.target) and (apart or not concerned(one) & concerned(other))
    # What one may cause by the way must not be taken for what another is to be caught by.
    if _also(one) & set(other.caught_by) or _also(other) & set(one.caught_by):
        return False
    # A service that is not ready disturbs what the rules of other families look at.
    unsettling = bystander in concerned(one) | concerned(other)
    return apart and (not unsettling or _families(one) == _families(other))


def scenes(faults: Iterable[Fault], on_stack: NeedsStack, bystander: str = "") -> tuple[Scene, ...]:
    """The faulty scenes. `bystander` is the rule that looks on wherever the stack is booted, if there is one."""
    found = []
    for number, group in enumerate(grouped(faults, on_stack, bystander), 1):
        booted = on_stack(group[0])
        options = merged(group)
        rules = [rule for fault in group for rule in fault.caught_by] + ([bystander] if booted and bystander else [])
        asks = tuple((rule, _for_check(rule, options)) for rule in dict.fromkeys(rules))
        found.append(Scene(f"{number:02}", tuple(group), asks, booted, () if booted else _targets(group)))
    return tuple(found)


def clean(faulty: Iterable[Scene]) -> tuple[Scene, ...]:
    """The scenes without faults: every rule with every set of options that a faulty scene runs it with."""
    found = []
    for booted, name in ((True, "clean-stack"), (False, "clean-source")):
        some = [scene for scene in faulty if scene.on_stack == booted]
        asks: list[tuple[str, Options]] = []
        for ask in (ask for scene in some for ask in scene.asks):
            if ask not in asks:
                asks.append(ask)
        if asks:
            narrow = bool(some) and all(scene.services for scene in some)
            services = sorted({service for scene in some for service in scene.services}) if narrow else []
            found.append(Scene(name, (), tuple(asks), booted, tuple(services)))
    return tuple(found)


def merged(faults: Iterable[Fault]) -> Options:
    """What the checks are told for all of these faults together."""
    options: Options = {}
    for fault in faults:
        for check, given in fault.options.items():
            options[check] = options.get(check, {}) | given
    return options


def _for_check(rule: str, options: Mapping[str, dict[str, Any]]) -> Options:
    check = rule.partition(".")[0]
    return {check: options[check]} if check in options else {}


def _families(fault: Fault) -> tuple[str, ...]:
    return tuple(sorted({rule.partition(".")[0] for rule in fault.caught_by}))


def _targets(group: Iterable[Fault]) -> tuple[str, ...]:
    return tuple(sorted({fault.target for fault in group if fault.target}))


def _contradict(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether they give one check different options: one observation must do for both."""
    shared = one.keys() & other.keys()
    return any(one[check] != other[check] for check in shared)
