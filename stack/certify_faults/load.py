"""Faults that the load check must notice: overlays that change one service in its own process before it serves."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Fault, FaultKind
from certify_faults.wrapping import around
from certify_stack.kit.settings import Settings

SLOW_SERVICE = "crm"
FAILING_SERVICE = "master-data"
DELAY_SECONDS = 0.4
ONE_IN = 10

Next = Callable[[Request], Awaitable[Response]]


def slow_service(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service of 18 takes 400 ms longer for each operation."""
    del settings
    if service_name != SLOW_SERVICE:
        return

    @around(app)
    async def delayed(request: Request, call_next: Next) -> Response:
        if request.method == "POST":
            await asyncio.sleep(DELAY_SECONDS)
        return await call_next(request)


def failing_requests(app: Starlette, service_name: str, settings: Settings) -> None:
    """One operation in ten of one service fails; not what other services ask of it, which would fail in their name."""
    del settings
    if service_name != FAILING_SERVICE:
        return
    numbers = count(1)

    @around(app)
    async def failing(request: Request, call_next: Next) -> Response:
        asked = request.method == "POST" and b"_entities" not in await request.body()
        if asked and next(numbers) % ONE_IN == 0:
            return JSONResponse({"error": "internal", "message": "out of luck"}, 500)
        return await call_next(request)


# Fewer users who think less long: as many requests as the limits need for a decision, in a fraction of the time.
_BRIEF = {"users": 24, "ramp": "1 s", "warmup": "1 s", "hold": "20 s", "think_min": "60 ms", "think_max": "140 ms"}

FAULTS = (
    Fault(
        name="one-service-slow",
        kind=FaultKind.OVERLAY,
        breaks=f"one service takes {round(DELAY_SECONDS * 1000)} ms longer for each operation",
        caught_by=("load.latency",),
        target=SLOW_SERVICE,
        overlay=f"{__name__}:{slow_service.__name__}",
        options={"load": _BRIEF},
    ),
    Fault(
        name="some-requests-fail",
        kind=FaultKind.OVERLAY,
        breaks=f"one operation in {ONE_IN} of one service fails",
        caught_by=("load.errors",),
        target=FAILING_SERVICE,
        overlay=f"{__name__}:{failing_requests.__name__}",
        also=("owasp.schema", "scenario.passes"),
        options={"load": _BRIEF},
    ),
)
