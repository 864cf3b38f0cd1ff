"""Faults that the load check must notice: overlays that change one service in its own process before it serves."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Fault, FaultKind
from certify_faults.finance_domain import payment_counts_twice
from certify_faults.wrapping import around
from certify_stack.erp.finance import commands
from certify_stack.kit.settings import Settings

SLOW_SERVICE = "crm"
FAILING_SERVICE = "master-data"
DELAY_SECONDS = 0.4
ONE_IN = 10
# A tenth of the mix asks that service: one request in 200 fails.
SELDOM_IN = 20
FINANCE = "finance"
SLOW_IN, TAIL_SECONDS = 12, 0.5  # more than 6 in 100 are slow
STALL_SECONDS, STALLS_APART = 0.5, 0.7
RARE_STALL_SECONDS, RARE_STALLS_EVERY = 3.0, 30.0
LOST_IN = 20

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
    """One operation in 20 of one service fails; not what other services ask of it, which would fail in their name."""
    del settings
    if service_name != FAILING_SERVICE:
        return
    numbers = count(1)

    @around(app)
    async def failing(request: Request, call_next: Next) -> Response:
        asked = request.method == "POST" and b"_entities" not in await request.body()
        if asked and next(numbers) % SELDOM_IN == 0:
            return JSONResponse({"error": "internal", "message": "out of luck"}, 500)
        return await call_next(request)


def slow_tail(app: Starlette, service_name: str, settings: Settings) -> None:
    """One operation in twelve of finance takes half a second longer."""
    del settings
    numbers = count(1)

    @_of_finance(app, service_name)
    async def delayed(request: Request, call_next: Next) -> Response:
        if next(numbers) % SLOW_IN == 0:
            await asyncio.sleep(TAIL_SECONDS)
        return await call_next(request)


def errors_inside_200(app: Starlette, service_name: str, settings: Settings) -> None:
    """One operation in ten of finance fails with status 200."""
    del settings
    numbers = count(1)

    @_of_finance(app, service_name)
    async def failing(request: Request, call_next: Next) -> Response:
        if next(numbers) % ONE_IN == 0:
            return JSONResponse({"data": None, "errors": [{"message": "out of luck"}]})
        return await call_next(request)


def stalls(app: Starlette, service_name: str, settings: Settings) -> None:
    """Finance stands still for half of the time, a little at a time: a collection of garbage, a disk that is full of others' work."""
    del settings
    last = [time.monotonic()]

    @_of_finance(app, service_name)
    async def standing_still(request: Request, call_next: Next) -> Response:
        if time.monotonic() - last[0] > STALLS_APART:
            time.sleep(STALL_SECONDS)  # noqa: ASYNC251 - that is the fault
            last[0] = time.monotonic()
        return await call_next(request)


def rare_stalls(app: Starlette, service_name: str, settings: Settings) -> None:
    """Finance stands still for 3 s of every 30: users who wait for their answers hardly notice, for they ask nothing meanwhile."""
    del settings
    last = [time.monotonic()]

    @_of_finance(app, service_name)
    async def standing_still(request: Request, call_next: Next) -> Response:
        if time.monotonic() - last[0] > RARE_STALLS_EVERY:
            last[0] = time.monotonic()
            time.sleep(RARE_STALL_SECONDS)  # noqa: ASYNC251 - that is the fault
        return await call_next(request)


def one_at_a_time(app: Starlette, service_name: str, settings: Settings) -> None:
    """Finance does one operation after the other, as with one connection for all, and each holds it for a while."""
    del settings
    connection = asyncio.Lock()

    @_of_finance(app, service_name)
    async def waiting(request: Request, call_next: Next) -> Response:
        async with connection:
            await asyncio.sleep(0.02)
            return await call_next(request)


def payments_lost(app: Starlette, service_name: str, settings: Settings) -> None:
    """One payment in twenty is answered with the one before it, and is not taken."""
    del app, settings
    if service_name == FINANCE:
        commands.record_payment = _forgetful(commands.record_payment)


def _forgetful(take: Callable[..., Awaitable[UUID]]) -> Any:
    numbers, taken = count(1), list[UUID]()

    async def sometimes(database: Any, caller: Any, invoice_id: UUID, money: Any, expected: int | None = None) -> UUID:
        if not taken or next(numbers) % LOST_IN:
            taken.append(await take(database, caller, invoice_id, money, expected))
        return taken[-1]

    return sometimes


def _of_finance(app: Starlette, service_name: str) -> Callable[[Any], Any]:
    """Around the operations of finance; not what other services ask of it."""

    def decorate(wrapper: Callable[[Request, Next], Awaitable[Response]]) -> None:
        if service_name != FINANCE:
            return

        @around(app)
        async def operations(request: Request, call_next: Next) -> Response:
            if request.method != "POST" or b"_entities" in await request.body():
                return await call_next(request)
            return await wrapper(request, call_next)

    return decorate


# Fewer users who think less long: as many requests as the limits need for a decision, in a fraction of the time.
_BRIEF: dict[str, Any] = {
    "shape": "api-mix",
    "users": 24,
    "ramp": "1 s",
    "warmup": "1 s",
    "hold": "20 s",
    "quick_hold": "20 s",
    "pace": "0 s",
    "think_min": "60 ms",
    "think_max": "140 ms",
}
# As long as the profile asks: in two minutes four stalls are too few events for a verdict.
_PACED = _BRIEF | {"users": 100, "pace": "1 s", "ramp": "3 s", "warmup": "3 s", "hold": "5 m", "quick_hold": "5 m"}
_PAYING = _BRIEF | {"shape": "pay-invoices", "hold": "8 s", "quick_hold": "8 s"}


def _fault(name: str, breaks: str, overlay: Any, rule: str, also: tuple[str, ...] = (), **options: Any) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(f"load.{rule}",),
        target=FINANCE,
        overlay=f"{overlay.__module__}:{overlay.__name__}",
        also=also,
        options={"load": options or _BRIEF},
    )


FAULTS = (
    Fault(
        name="one-service-slow",
        kind=FaultKind.OVERLAY,
        breaks=f"one service takes {round(DELAY_SECONDS * 1000)} ms longer for each operation",
        caught_by=("load.latency",),
        target=SLOW_SERVICE,
        overlay=f"{__name__}:{slow_service.__name__}",
        options={"load": _BRIEF},
        # A percentile, or a share, of all requests does not say whose they are.
        alone=True,
    ),
    Fault(
        name="some-requests-fail",
        kind=FaultKind.OVERLAY,
        breaks=f"one operation in {SELDOM_IN} of one service fails, which is 0.5 % of all",
        caught_by=("load.errors",),
        target=FAILING_SERVICE,
        overlay=f"{__name__}:{failing_requests.__name__}",
        also=("owasp.schema", "scenario.passes"),
        options={"load": _BRIEF},
        alone=True,
    ),
    _fault("slow-tail", "one operation in twelve of one service takes half a second longer", slow_tail, "latency"),
    _fault("service-stalls", "one service stands still for a while, again and again", stalls, "latency"),
    _fault("stalls-of-3-s", "one service stands still for 3 s of every 30", rare_stalls, "latency", **_PACED),
    _fault("one-connection-for-all", "one service does one operation after the other", one_at_a_time, "latency"),
    _fault(
        "errors-inside-200",
        "one operation in ten of one service fails with status 200",
        errors_inside_200,
        "errors",
        # A request without a right answer counts as one that timed out.
        ("load.latency", "owasp.schema", "scenario.passes"),
    ),
    _fault(
        "payments-lost",
        "one payment in twenty is answered as taken and is not there",
        payments_lost,
        "effects",
        ("scenario.passes",),
        **_PAYING,
    ),
    _fault(
        "retried-payment-counts-twice",
        "a payment that is sent twice at once counts twice",
        payment_counts_twice,
        "effects",
        ("scenario.passes", "scenario.ledger", "scenario.invoice-to-audit", "scenario.amounts"),
        **_PAYING,
    ),
)
