"""A fault: a defect that a stack can be run with, and the rules that must notice it."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from certify.model.check import Disruption
from certify.model.stack import Stack


class FaultKind(StrEnum):
    """How a fault gets into the stack."""

    OVERLAY = "overlay"
    PATCH = "patch"
    DATA = "data"
    DISRUPTION = "disruption"


class Fault(msgspec.Struct, frozen=True):
    """One fault. Exactly one of `overlay`, `patch`, `damage` and `disruptions` is given, as `kind` says.

    Attributes:
        name: unique, in kebab case, such as `ready-lies-about-database`.
        kind: how it gets into the stack.
        breaks: what is wrong then, as one sentence without a full stop.
        caught_by: rules (`check.rule`) each of which must fail because of it.
        target: service or other part that it is in; empty: the whole stack. Findings that name it are explained by it.
        overlay: `MODULE:FUNCTION`, a start hook of the services' processes.
        patch: changes a scratch copy of the source root that it is given; the stack is not booted from the copy.
        damage: changes the data of the running stack.
        disruptions: what is done to the running stack, in order.
        also: rules that may notice it too, rightly; `CHECK.RULE@SERVICE`: the rule may name this other service because
            of it, as when a conflict has two sides.
        alone: it cannot share a stack with other faults, because its symptoms cannot be told from theirs.
        options: what the rules' checks are told beside the profile's options, check -> options, to keep the drill short.
    """

    name: str
    kind: FaultKind
    breaks: str
    caught_by: tuple[str, ...]
    target: str = ""
    overlay: str = ""
    patch: Callable[[Path], object] | None = None
    damage: Callable[[Stack], Awaitable[None]] | None = None
    disruptions: tuple[Disruption, ...] = ()
    also: tuple[str, ...] = ()
    alone: bool = False
    options: dict[str, dict[str, object]] = {}
