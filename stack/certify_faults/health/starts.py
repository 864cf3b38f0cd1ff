"""Services that do not start cleanly, or do not stay: overlays of single services."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_faults.wrapping import around
from certify_stack.kit.settings import Settings

CRASH_LOOP = "scheduler"
LATE_DEATH = "hr"
SLOW_START = "document-generator"
RESTART_ONCE = "import-export"
PORT_TAKEN = "notification"
PORT_OWNER = "organization"
ERROR_STORM = "file-storage"
READY = "/health/ready"
LATE_SECONDS = 2.0
SLOW_SECONDS = 16.0
# Well beyond what the others take on a slow machine.
START_BUDGET = "15 s"
ERRORS = 500
_FAILED = 3

log = logging.getLogger(__name__)


def crash_loop(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service cannot start, however often it is tried."""
    del app, settings
    if service_name == CRASH_LOOP:
        raise RuntimeError("the calendar of holidays cannot be read")


def late_death(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service dies a while after it said for the first time that it is ready; so does each that comes after it."""
    del settings
    if service_name != LATE_DEATH:
        return
    doomed = False

    @around(app)
    async def dying(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        nonlocal doomed
        response = await call_next(request)
        if request.url.path == READY and response.status_code == 200 and not doomed:
            doomed = True
            asyncio.get_running_loop().call_later(LATE_SECONDS, os._exit, _FAILED)
        return response


def slow_start(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service takes far longer than the others to be ready."""
    del settings
    if service_name != SLOW_START:
        return
    usual = app.router.lifespan_context

    @asynccontextmanager
    async def slow(started: Starlette) -> AsyncIterator[Any]:
        await asyncio.sleep(SLOW_SECONDS)
        async with usual(started) as state:
            yield state

    app.router.lifespan_context = slow


def restart_once(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service fails the first time that it is started in a run, and never again."""
    del app
    if service_name != RESTART_ONCE or settings.service_token_file is None:
        return
    # Beside the token, in the run's own folder: it is gone with the run.
    marker = Path(settings.service_token_file).with_name("restarted-once")
    if not marker.exists():
        marker.touch()
        os._exit(_FAILED)


def port_taken(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service was told to serve its diagnostics on the port of another."""
    del app
    if service_name != PORT_TAKEN:
        return
    address = ("127.0.0.1", urlsplit(settings.service_urls[PORT_OWNER]).port)
    with socket.socket() as diagnostics:
        try:
            diagnostics.bind(address)
        except OSError as error:
            # As servers say it: the error itself does not name the address.
            raise OSError(
                error.errno, f"while attempting to bind on address {address}: address already in use"
            ) from error


def error_storm(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service fills its log with errors while it starts, and serves all the same."""
    del app, settings
    if service_name == ERROR_STORM:
        for attempt in range(ERRORS):
            log.error("bucket is not there", extra={"attempt": attempt})
