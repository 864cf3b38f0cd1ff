"""Causes calls between the services, and waits for the spans that prove them."""

import asyncio
import time
from pathlib import Path

import httpx
from msgspec.structs import replace

from certify.api import Capability, Context, Service
from certify_checks.health.edges_model import Carried, EdgesConfig, EdgesSeen, Exercised
from certify_checks.health.exercise import Exercise, Performed, perform
from certify_checks.health.spans_tail import DECOY, Decoy, Tail
from certify_checks.http import Client, LoginError, describe
from certify_checks.picks import PickError
from certify_checks.tracing import CALL, EVENT, Edge, Joined

_POLL = 0.1
_MAX_OTHERS = 100
_NEEDED = frozenset({Capability.DISPOSABLE, Capability.LOGIN})


async def observe_edges(ctx: Context, exercise: Exercise, config: EdgesConfig) -> EdgesSeen:
    """Send the operations of the profile, then read the spans until all is told or patience is over."""
    if not ctx.stack.spans:
        return EdgesSeen(declared=declared_edges(ctx), unexercised="nobody listens for spans")
    performed, obstacle = await _exercised(ctx, exercise)
    decoy, tail = Decoy.new(), Tail(Path(ctx.stack.spans))
    began = time.monotonic()
    silent = await decoy.send(ctx.stack.spans_to)
    joined = Joined(one.trace for one in performed)
    wanted = {*declared_edges(ctx), *([] if silent else [decoy.edge])}
    ctx.tell(f"waiting for spans of {len(wanted)} edges")
    while True:
        await tail.feed(joined)
        elapsed = time.monotonic() - began
        proved = wanted <= joined.edges.keys()
        if elapsed >= config.settle.seconds and (proved or elapsed >= config.patience.seconds):
            break
        await asyncio.sleep(_POLL)
    return replace(
        _seen(ctx, joined, performed),
        unexercised=obstacle,
        lost=tail.lost + joined.invalid,
        waited_us=int(elapsed * 1e6),
        decoy=decoy.edge in joined.edges,
    )


def declared_edges(ctx: Context) -> tuple[Edge, ...]:
    """Every edge that the profile declares, each once."""
    gateway = [ctx.stack.gateway] if ctx.stack.gateway else []
    return tuple(sorted({edge for service in (*ctx.stack.services, *gateway) for edge in _edges(service)}))


def _edges(service: Service) -> list[Edge]:
    called = [Edge(service.name, other, CALL) for other in service.calls]
    return called + [Edge(other, service.name, EVENT) for other in service.consumes]


async def _exercised(ctx: Context, exercise: Exercise) -> tuple[tuple[Performed, ...], str]:
    """What was sent, and why it was not all."""
    if not exercise.operations:
        return (), "the profile lists no operations (`checks: {health: {exercise: ...}}`)"
    if missing := _NEEDED - ctx.capabilities:
        return (), f"the stack does not offer {', '.join(sorted(missing))}"
    ctx.tell(f"sending {len(exercise.operations)} operations")
    try:
        async with Client(ctx) as client:
            return await perform(ctx, client, exercise), ""
    except (PickError, LoginError) as error:
        return (), str(error)
    except KeyError as error:
        return (), f"an operation names {error}, which is not in the stack"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return (), describe(error)


def _seen(ctx: Context, joined: Joined, performed: tuple[Performed, ...]) -> EdgesSeen:
    declared, names = declared_edges(ctx), tuple(service.name for service in ctx.stack.services)
    edges = [edge for edge in joined.edges if not (edge.caller.startswith(DECOY) and edge.called.startswith(DECOY))]
    others = [edge for edge in edges if edge not in declared][:_MAX_OTHERS]
    shown = sorted({*(edge for edge in edges if edge in declared), *others})
    strange = [name for name in joined.heard if name not in names and not name.startswith(DECOY)][:_MAX_OTHERS]
    return EdgesSeen(
        declared=declared,
        carried=tuple(_carried(edge, joined, performed) for edge in shown),
        services=names,
        gateway=ctx.stack.gateway.name if ctx.stack.gateway else "",
        heard={name: joined.heard[name] for name in (*names, *strange)},
        exercised=tuple(_told(one, joined) for one in performed),
    )


def _carried(edge: Edge, joined: Joined, performed: tuple[Performed, ...]) -> Carried:
    tally = joined.edges[edge]
    spoilt = tuple(one.operation for one in performed if one.complaint and one.trace in tally.failed_in)
    return Carried(edge, tally.calls, tally.failed, spoilt, tally.trace)


def _told(one: Performed, joined: Joined) -> Exercised:
    return Exercised(one.operation, one.trace, one.complaint, tuple(sorted(joined.reached[one.trace])))
