"""A profile against the installed checks: names of rules, limits and options."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from certify.model.check import Check
from certify.model.limit import Limit, Origin
from certify.profile.explain import differences
from certify.profile.model import Control, Profile
from certify.profile.option_schema import options_schema
from certify.profile.options import (
    COMMAND_OPTION,
    KnownCheck,
    KnownRule,
    as_config,
    option_names,
    options_for,
)
from certify.profile.problem import Level, Problem, hint, nearest
from certify.profile.tree import Node


def check_against(profile: Profile, tree: Node, checks: Mapping[str, KnownCheck]) -> list[Problem]:
    """Errors, warnings and notes about what the profile asks of `checks`."""
    problems = [*_of_profile(tree, checks)]
    for control in profile.controls:
        node = tree.nearest("controls", control.id)
        problems += _of_rules(control, node, checks)
        problems += _of_limits(control, node, checks)
        problems += _of_options(profile, control, node, checks)
    return problems


def find_rule(name: str, checks: Mapping[str, KnownCheck]) -> KnownRule | None:
    """The rule of that full name, such as `load.latency`, if it is installed."""
    check_id, _, rule_id = name.partition(".")
    check = checks.get(check_id)
    return next((rule for rule in check.description.rules if rule.id == rule_id), None) if check else None


def is_implemented(control: Control, checks: Mapping[str, KnownCheck]) -> bool:
    """Whether every rule that the control names is installed."""
    return all(find_rule(name, checks) for name in control.prove)


def _of_profile(tree: Node, checks: Mapping[str, KnownCheck]) -> Iterable[Problem]:
    for key in ("checks", "budgets"):
        for name, node in tree.entries(key).items():
            check = checks.get(name)
            if check is None and COMMAND_OPTION not in node.entries():
                message = f"check {name!r} is not installed{hint(name, checks, offer=False)}"
                yield Problem(node.key, message, Level.WARNING)
            elif key == "checks" and check and check.check:
                yield from _of_values(node, check.check, node.plain(), ("checks", name))


def _of_rules(control: Control, node: Node, checks: Mapping[str, KnownCheck]) -> Iterable[Problem]:
    missing = [item for item in node.items("prove") if find_rule(item.value, checks) is None]
    for item in missing:
        near = _near_rule(item.value, checks)
        if near:
            message = f"rule {item.value!r} is not installed; did you mean {near!r}?"
            yield Problem(item.origin, message, Level.WARNING)
    if missing:
        names = ", ".join(item.value for item in missing)
        message = f"control {control.id} is unimplemented: no installed check has {names}"
        yield Problem(missing[0].origin, message, Level.NOTE)


def _near_rule(name: str, checks: Mapping[str, KnownCheck]) -> str:
    """The installed rule that was meant, if one half of the name is right and the other nearly so.

    Whole names are not compared: rules of one check look alike by their first half alone.
    """
    family, _, rule = name.partition(".")
    check = checks.get(family)
    if check:
        near = nearest(rule, [known.id for known in check.description.rules], cutoff=0.75)
        return f"{family}.{near}" if near else ""
    owners = [known.id for known in checks.values() if find_rule(f"{known.id}.{rule}", checks)]
    near = nearest(family, owners)
    return f"{near}.{rule}" if near else ""


def _of_limits(control: Control, node: Node, checks: Mapping[str, KnownCheck]) -> Iterable[Problem]:
    rules = {name: rule for name in control.prove if (rule := find_rule(name, checks))}
    declared = {limit: default for rule in rules.values() for limit, default in rule.limits.items()}
    for name, rule in rules.items():
        for limit, default in rule.limits.items():
            if default is None and limit not in control.limits:
                where = node.at("limits") or node
                yield Problem(where.key, f"control {control.id} gives no limit {limit!r}, which rule {name} needs")
    for limit, given in control.limits.items():
        place = node.nearest("limits", limit)
        if limit in declared:
            yield from _of_unit(limit, given, declared[limit], place.origin)
        elif len(rules) == len(control.prove):
            message = f"limit {limit!r} of control {control.id} is none of its rules'"
            yield Problem(place.key, message + hint(limit, declared))


def _of_unit(name: str, given: Limit, default: str | None, origin: Origin) -> Iterable[Problem]:
    wanted = Limit.parse(default) if default else given
    if wanted.unit != given.unit:
        yield Problem(origin, f"limit {name!r} is given as {given.text!r}; its rule measures such as {wanted.text!r}")


def _of_options(profile: Profile, control: Control, node: Node, checks: Mapping[str, KnownCheck]) -> Iterable[Problem]:
    involved = [
        checks[name] for name in dict.fromkeys(rule.partition(".")[0] for rule in control.prove) if name in checks
    ]
    typed = [known.check for known in involved if known.check]
    if is_implemented(control, checks) and len(typed) == len(involved):
        names = {option for check in typed for option in option_names(check)}
        for option, child in node.entries("with").items():
            if option not in names:
                message = f"unknown option {option!r} in control {control.id}{hint(option, names)}"
                yield Problem(child.key, message)
    for check in typed:
        given = {name: child for name, child in node.entries("with").items() if name in option_names(check)}
        mine = Node(given, node.nearest("with").origin, node.nearest("with").key)
        if given:
            yield from _of_values(
                mine, check, options_for(profile, control, check.id, check), ("controls", control.id, "with")
            )


def _of_values(node: Node, check: Check, options: dict[str, Any], where: tuple[str, ...]) -> Iterable[Problem]:
    try:
        as_config(check, options)
    except msgspec.ValidationError as error:
        told = differences(node, options_schema(check), where)
        yield from told or [Problem(node.key, f"options of check {check.id}: {error}")]
