"""Faults that the load check must notice: overlays that change one service in its own process before it serves."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify_stack.kit.settings import Settings

SLOW_SERVICE = "crm"
FAILING_SERVICE = "finance"
DELAY_SECONDS = 0.4
ONE_IN = 100

Next = Callable[[Request], Awaitable[Response]]


def slow_service(app: FastAPI, service_name: str, settings: Settings) -> None:
    """One service of 18 takes 400 ms longer for each operation."""
    del settings
    if service_name != SLOW_SERVICE:
        return

    @app.middleware("http")
    async def delayed(request: Request, call_next: Next) -> Response:
        if request.method == "POST":
            await asyncio.sleep(DELAY_SECONDS)
        return await call_next(request)


def failing_requests(app: FastAPI, service_name: str, settings: Settings) -> None:
    """Every hundredth operation of one service fails."""
    del settings
    if service_name != FAILING_SERVICE:
        return
    numbers = count(1)

    @app.middleware("http")
    async def failing(request: Request, call_next: Next) -> Response:
        if request.method == "POST" and next(numbers) % ONE_IN == 0:
            return JSONResponse({"error": "internal", "message": "out of luck"}, 500)
        return await call_next(request)
