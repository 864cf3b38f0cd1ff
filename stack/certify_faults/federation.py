"""Faults that the federation check must notice: what a subgraph tells of its schema is not what the gateway was made of.

Each is an overlay: it changes one service in its own process before it serves. The gateway is composed from the source,
so it starts all the same, as it would beside a subgraph that was deployed after it.
"""

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Fault, FaultKind
from certify_faults.wrapping import around
from certify_stack.kit.settings import Settings

SERVICE = "crm"
_CONFLICT = '\ntype Invoice @key(fields: "id") { id: ID! number: Int! }\n'
_EXTRA = "\nextend type Customer { nickname: String }\n"

Next = Callable[[Request], Awaitable[Response]]
Edit = Callable[[str], str]


def conflicting_field(app: Starlette, service_name: str, settings: Settings) -> None:
    """`Invoice.number` is a number here and a text in finance: the subgraphs do not compose."""
    _tell(app, service_name, settings, lambda sdl: sdl + _CONFLICT)


def missing_key_field(app: Starlette, service_name: str, settings: Settings) -> None:
    """Every `@key` names a field that its type does not have."""
    _tell(app, service_name, settings, lambda sdl: sdl.replace('@key(fields: "id")', '@key(fields: "code")'))


def invalid_sdl(app: Starlette, service_name: str, settings: Settings) -> None:
    """The text ends in the middle of a type."""
    _tell(app, service_name, settings, lambda sdl: sdl + "\ntype {\n")


def stale_gateway(app: Starlette, service_name: str, settings: Settings) -> None:
    """`Customer.nickname` is new in the subgraph and unknown to the gateway."""
    _tell(app, service_name, settings, lambda sdl: sdl + _EXTRA)


def introspection_refused(app: Starlette, service_name: str, settings: Settings) -> None:
    """Whoever asks for the SDL is refused."""
    del settings
    if service_name != SERVICE:
        return

    @around(app)
    async def refuse(request: Request, call_next: Next) -> Response:
        if await _asks_for_sdl(request):
            return JSONResponse({"error": "forbidden", "message": "the schema is not told"}, 403)
        return await call_next(request)


def _tell(app: Starlette, service_name: str, settings: Settings, edit: Edit) -> None:
    del settings
    if service_name != SERVICE:
        return

    @around(app)
    async def edited(request: Request, call_next: Next) -> Response:
        asked = await _asks_for_sdl(request)
        response = await call_next(request)
        if not asked or response.status_code != 200:
            return response
        parts = [part async for part in response.body_iterator]  # type: ignore[attr-defined]
        body = json.loads(b"".join(parts))
        body["data"]["_service"]["sdl"] = edit(body["data"]["_service"]["sdl"])
        return JSONResponse(body)


async def _asks_for_sdl(request: Request) -> bool:
    return request.method == "POST" and b"_service" in await request.body()


def _fault(
    function: Callable[[Starlette, str, Settings], None], name: str, breaks: str, rule: str, *also: str
) -> Fault:
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(rule,),
        target=SERVICE,
        overlay=f"{__name__}:{function.__name__}",
        also=also,
    )


# All in one service, because subgraphs that do not compose hide each other's defects.
FAULTS = (
    _fault(
        conflicting_field,
        "subgraphs-conflict",
        "two subgraphs give one field different types",
        "federation.composes",
        # A conflict has two sides.
        "federation.composes@finance",
    ),
    _fault(
        missing_key_field,
        "key-without-field",
        "every key of the subgraph names a field that its type does not have",
        "federation.composes",
    ),
    _fault(
        invalid_sdl, "schema-is-no-schema", "the subgraph's schema ends in the middle of a type", "federation.composes"
    ),
    _fault(
        introspection_refused,
        "schema-not-told",
        "the subgraph refuses to tell its schema",
        "federation.composes",
    ),
    _fault(
        stale_gateway,
        "gateway-is-stale",
        "a field of the subgraph is unknown to the gateway",
        "federation.served",
    ),
)
