"""Turns what a scene asks into a profile that asks just that, so that the engine's own planner plans it. Pure."""

from collections.abc import Iterator

import msgspec

from certify.drill.scene import Scene
from certify.profile.model import Control, Profile

_BOOT_BUDGET_US = 60_000_000


def asking(profile: Profile, scene: Scene) -> Profile:
    """The profile with one control for each question of the scene.

    Limits and services of a rule stay as the profile has them. What a control requires is dropped: a drill wants to see
    every rule by itself.
    """
    controls = tuple(control for number, _ in enumerate(scene.asks) for control in _controls(profile, scene, number))
    stack = profile.stack
    if scene.faults:
        # The clean stack is known to come up; what a fault keeps from being ready is not waited for at length.
        stack = msgspec.structs.replace(stack, boot_budget_us=min(stack.boot_budget_us, _BOOT_BUDGET_US))
    if scene.services:
        kept = tuple(service for service in stack.services if service.name in scene.services)
        stack = msgspec.structs.replace(stack, services=kept)
    return msgspec.structs.replace(profile, controls=controls, stack=stack)


def _controls(profile: Profile, scene: Scene, number: int) -> Iterator[Control]:
    rule, options = scene.asks[number]
    given = options.get(rule.partition(".")[0], {})
    for control in profile.controls:
        services = tuple(name for name in control.services if not scene.services or name in scene.services)
        if rule not in control.prove or (control.services and not services):
            continue
        yield msgspec.structs.replace(
            control,
            id=f"{control.id}~{number}",
            prove=(rule,),
            options=control.options | given,
            services=services,
            requires=(),
        )
