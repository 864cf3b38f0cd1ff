"""Faults that show once a load is over: messages that nobody sends or takes, read models that have lost an update."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_stack.erp.finance import projection, views
from certify_stack.erp.finance.events import PaymentReceived, Recorded
from certify_stack.kit import consumer, relay
from certify_stack.kit.settings import Settings

FINANCE, AUDIT = "finance", "audit"
LOST_IN = 10
PAUSE_SECONDS = 0.5


def relay_falls_behind(app: Starlette, service_name: str, settings: Settings) -> None:
    """Finance sends two events a second, however many wait."""
    del app, settings
    if service_name != FINANCE:
        return
    produce = relay.Relay._produce  # noqa: SLF001 - the fault is in there

    async def slowly(self: relay.Relay, rows: Sequence[Any]) -> tuple[list[int], Exception | None]:
        await asyncio.sleep(PAUSE_SECONDS)
        return await produce(self, rows[:1])

    relay.Relay._produce = slowly  # type: ignore[method-assign]  # noqa: SLF001 - see above


def messages_skipped(app: Starlette, service_name: str, settings: Settings) -> None:
    """The audit service takes one event in ten for known that it has never seen."""
    del app, settings
    if service_name != AUDIT:
        return
    effect, numbers = consumer.effect, count(1)

    async def sometimes(database: Any, handle: Any, place: Any, envelope: Any) -> str:
        return "known" if next(numbers) % LOST_IN == 0 else await effect(database, handle, place, envelope)

    consumer.effect = sometimes


def read_model_loses_updates(app: Starlette, service_name: str, settings: Settings) -> None:
    """One payment in ten never reaches the read model of payments."""
    del app, settings
    if service_name != FINANCE:
        return
    project, numbers = projection.project, count(1)

    def sometimes(rows: Mapping[Any, Any], recorded: Recorded) -> tuple[Any, ...]:
        if isinstance(recorded.event, PaymentReceived) and next(numbers) % LOST_IN == 0:
            return ()
        return project(rows, recorded)

    views.project = sometimes  # type: ignore[attr-defined]


# Short, and yet more payments than a relay that falls behind gets rid of meanwhile.
_PAYING: dict[str, Any] = {
    "shape": "pay-invoices",
    "users": 24,
    "ramp": "1 s",
    "warmup": "1 s",
    "hold": "8 s",
    "quick_hold": "8 s",
    "think_min": "60 ms",
    "think_max": "140 ms",
}


def _fault(name: str, breaks: str, overlay: Any, target: str, *also: str) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=("load.recovered",),
        target=target,
        overlay=f"{__name__}:{overlay.__name__}",
        also=also,
        options={"load": _PAYING},
    )


FAULTS = (
    _fault(
        "relay-falls-behind",
        "a service sends its events more slowly than they come",
        relay_falls_behind,
        FINANCE,
        "health.ready",
        "scenario.passes",
    ),
    _fault("messages-skipped", "a service skips one event in ten", messages_skipped, AUDIT, "scenario.passes"),
    _fault(
        "read-model-loses-updates",
        "one payment in ten never reaches its read model",
        read_model_loses_updates,
        FINANCE,
        "load.effects",
        "replay.rebuild",
        "scenario.passes",
    ),
)
