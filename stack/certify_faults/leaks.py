"""Faults that only time shows: services that keep a little of each request. A load makes them visible within seconds."""

import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify.api import Fault, FaultKind
from certify_faults.wrapping import around
from certify_stack.kit.settings import Settings

FORGETFUL, CLUMSY, TALKATIVE = "finance", "master-data", "crm"
KEPT_BYTES = 1 << 17
KEPT_HANDLES = 4

Next = Callable[[Request], Awaitable[Response]]


def memory_kept(app: Starlette, service_name: str, settings: Settings) -> None:
    """Finance keeps 128 KiB of each request, as of a cache that nothing is ever thrown out of."""
    del settings
    if service_name == FORGETFUL:
        _keeping(app, lambda: b"\x01" * KEPT_BYTES)


def files_left_open(app: Starlette, service_name: str, settings: Settings) -> None:
    """Master data opens files with each request and closes none."""
    del settings
    if service_name == CLUMSY:
        _keeping(app, lambda: [os.open(os.devnull, os.O_RDONLY) for _ in range(KEPT_HANDLES)])


def connections_left_open(app: Starlette, service_name: str, settings: Settings) -> None:
    """The customers' service opens sockets with each request and closes none."""
    del settings
    if service_name == TALKATIVE:
        _keeping(app, lambda: [socket.socket() for _ in range(KEPT_HANDLES)])


def _keeping(app: Starlette, take: Callable[[], Any]) -> None:
    kept: list[Any] = []

    @around(app)
    async def taking(request: Request, call_next: Next) -> Response:
        if request.method == "POST":
            kept.append(take())
        return await call_next(request)


# Growth is projected to minutes instead of a day: what still fills after seconds is allowed, and what is planted is far more.
_BRIEF: dict[str, Any] = {
    "shape": "api-mix",
    "users": 24,
    "ramp": "1 s",
    "warmup": "8 s",
    "hold": "24 s",
    "quick_hold": "24 s",
    "think_min": "60 ms",
    "think_max": "140 ms",
    "lasting": "3 m",
    "memory_of": {"gateway": "4 GiB"},
}


def _fault(name: str, breaks: str, overlay: Any, target: str) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=("load.leaks",),
        target=target,
        overlay=f"{__name__}:{overlay.__name__}",
        options={"load": _BRIEF},
    )


FAULTS = (
    _fault("memory-kept", "a service keeps memory of each request", memory_kept, FORGETFUL),
    _fault("files-left-open", "a service opens files with each request and closes none", files_left_open, CLUMSY),
    _fault(
        "connections-left-open",
        "a service opens connections with each request and closes none",
        connections_left_open,
        TALKATIVE,
    ),
)
