"""Probes that say something else than what is: overlays of single services."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify_faults.wrapping import around
from certify_stack.kit.errors import UnavailableError
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings

LIVE, READY = "/health/live", "/health/ready"
NEVER_READY = "scheduler"
FLAPPING = "crm"
RELAY_DEAD = "rules-engine"
LIES_ABOUT_DATABASE = "configuration"
LIES_ABOUT_BROKER = "workflow"
NEVER_RECOVERS = "inventory"
LIVENESS_FOLLOWS = "scm"
_UNREADY = 503

Next = Callable[[Request], Awaitable[Response]]
Change = Callable[[dict[str, Any], int], tuple[dict[str, Any], int]]


def never_ready(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service of 18 waits for something that never comes."""
    del settings
    if service_name == NEVER_READY:
        _say(app, lambda _body, _status: ({"status": "unready", "failing": ["cache"]}, _UNREADY))


def flapping(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service of 18 refuses every third question whether it is ready."""
    del settings
    if service_name != FLAPPING:
        return
    numbers = count(1)

    def third(body: dict[str, Any], status: int) -> tuple[dict[str, Any], int]:
        return ({"status": "unready"}, _UNREADY) if next(numbers) % 3 == 0 else (body, status)

    _say(app, third)


def relay_dead(app: Starlette, service_name: str, settings: Settings) -> None:
    """The task that sends one service's events ends for good, soon after the service was ready."""
    del settings
    if service_name != RELAY_DEAD:
        return

    def end(body: dict[str, Any], status: int) -> tuple[dict[str, Any], int]:
        if status != _UNREADY:
            for task in asyncio.all_tasks():
                if task.get_name() == "relay":
                    task.cancel()
        return body, status

    _say(app, end)


def lies_about_database(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service says that it is ready, also without its database."""
    del settings
    if service_name == LIES_ABOUT_DATABASE:
        _say(app, lambda body, status: _yes() if "database" in body.get("failing", ()) else (body, status))


def lies_about_broker(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service says that it is ready as long as it has its database, whatever the broker does."""
    del settings
    if service_name == LIES_ABOUT_BROKER:
        _say(app, lambda body, status: (body, status) if "database" in body.get("failing", ()) else _yes())


def never_recovers(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service that was ready and lost its database is not ready ever again."""
    del settings
    if service_name != NEVER_RECOVERS:
        return
    states = {"ready": False, "lost": False}

    def remembering(body: dict[str, Any], status: int) -> tuple[dict[str, Any], int]:
        states["lost"] = states["lost"] or (states["ready"] and "database" in body.get("failing", ()))
        states["ready"] = states["ready"] or status != _UNREADY
        return ({"status": "unready", "failing": ["pool"]}, _UNREADY) if states["lost"] else (body, status)

    _say(app, remembering)


def liveness_follows(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service is only live while its database answers."""
    del settings
    if service_name != LIVENESS_FOLLOWS:
        return
    runtime: Runtime = app.state.runtime

    @around(app)
    async def asking(request: Request, call_next: Next) -> Response:
        if request.url.path == LIVE:
            try:
                await runtime.database.fetchval("SELECT 1")
            except UnavailableError:
                return JSONResponse({"status": "down"}, _UNREADY)
        return await call_next(request)


def _yes() -> tuple[dict[str, Any], int]:
    return {"status": "ready"}, 200


def _say(app: Starlette, change: Change) -> None:
    """Pass what the ready probe answers through `change`: (body, status) -> (body, status)."""

    @around(app)
    async def changed(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        if request.url.path != READY:
            return response
        parts = [part async for part in response.body_iterator]  # type: ignore[attr-defined] # made by call_next
        body, status = change(json.loads(b"".join(parts)), response.status_code)
        return JSONResponse(body, status)
