"""A resolved profile for people and for programs: what is required, by which limits of which lines, proved by what."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from certify.model.limit import Limit
from certify.model.quantity import format_quantity
from certify.profile.conform import find_rule
from certify.profile.model import Control, Profile
from certify.profile.options import KnownCheck
from certify.profile.problem import place

_INDENT = "    "


class ShownControl(msgspec.Struct, frozen=True):
    """A control with what the installed checks say to it: `missing` are its rules that none of them has."""

    control: Control
    limits: dict[str, Limit]
    missing: tuple[str, ...]


def shown_controls(profile: Profile, checks: Mapping[str, KnownCheck]) -> list[ShownControl]:
    """Every control with the limits that hold for it, also those that are its rules' defaults."""
    return [
        ShownControl(
            control,
            {**_defaults(control, checks), **control.limits},
            tuple(name for name in control.prove if find_rule(name, checks) is None),
        )
        for control in profile.controls
    ]


def as_json(profile: Profile, checks: Mapping[str, KnownCheck]) -> dict[str, Any]:
    """The resolved profile as plain data."""
    shown = shown_controls(profile, checks)
    facts: dict[str, Any] = msgspec.to_builtins(profile)
    facts.pop("folder", None)
    facts["controls"] = [
        {
            **msgspec.to_builtins(one.control),
            "limits": msgspec.to_builtins(one.limits),
            "implemented": not one.missing,
            "missing": list(one.missing),
        }
        for one in shown
    ]
    facts["implemented"] = sum(not one.missing for one in shown)
    return facts


def as_text(profile: Profile, checks: Mapping[str, KnownCheck]) -> Iterator[str]:
    """The resolved profile, line by line."""
    shown = shown_controls(profile, checks)
    yield f"profile {profile.name}: {profile.title}" if profile.title else f"profile {profile.name}"
    yield f"files     {', '.join(profile.files)}"
    yield f"stack     {_stack(profile)}"
    done = sum(not one.missing for one in shown)
    yield f"controls  {len(shown)}, implemented {done} of {len(shown)}"
    if profile.sign_offs:
        yield f"sign-offs {', '.join(profile.sign_offs)}"
    yield from (
        f"waiver    {waiver.control} until {waiver.expires} by {waiver.approver}: {waiver.reason}"
        for waiver in profile.waivers
    )
    for one in shown:
        yield ""
        yield from _lines(one, profile)


def _stack(profile: Profile) -> str:
    stack = profile.stack
    how = (
        (f"reference {stack.reference}" if stack.reference else "")
        or (f"compose {', '.join(stack.compose)}" if stack.compose else "")
        or (f"{len(stack.targets)} targets" if stack.targets else "")
    )
    if not how:
        return "none; extend this profile and describe yours"
    gateway = " and a gateway" if stack.gateway else ""
    return f"{how}, {len(stack.services)} services{gateway}, up within {format_quantity(stack.boot_budget_us, 'us')}"


def _lines(one: ShownControl, profile: Profile) -> Iterable[str]:
    control = one.control
    state = "" if not one.missing else " [unimplemented]"
    yield f"{control.id}  {control.severity}, {control.mode}{state}  {control.title}"
    yield f"{_INDENT}at      {place(control.origin)}"
    if control.source:
        yield f"{_INDENT}source  {control.source}"
    proofs = (f"{name} (not installed)" if name in one.missing else name for name in control.prove)
    yield f"{_INDENT}prove   {', '.join(proofs)}"
    for name, limit in one.limits.items():
        yield f"{_INDENT}limit   {name} {limit} ({limit.origin})"
    if control.options:
        yield f"{_INDENT}with    {', '.join(f'{name}: {value}' for name, value in control.options.items())}"
    if control.services:
        yield f"{_INDENT}about   {_about(control, profile)}"
    for label, values in (("needs", control.requires), ("refers", control.references)):
        if values:
            yield f"{_INDENT}{label:<7} {', '.join(values)}"
    if control.owner:
        yield f"{_INDENT}owner   {control.owner}"


def _about(control: Control, profile: Profile) -> str:
    others = [service.name for service in profile.stack.services if service.name not in control.services]
    if others and len(others) < len(control.services):
        return f"every service but {', '.join(others)}"
    return ", ".join(control.services)


def _defaults(control: Control, checks: Mapping[str, KnownCheck]) -> dict[str, Limit]:
    rules = [rule for name in control.prove if (rule := find_rule(name, checks))]
    return {limit: Limit.parse(text) for rule in rules for limit, text in rule.limits.items() if text is not None}
