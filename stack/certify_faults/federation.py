"""Faults that the federation check must notice: in what a subgraph tells of its schema, and in what it answers.

Each is an overlay: it changes one service in its own process before it serves. The gateway is composed from the source,
so it starts all the same, as it would beside a subgraph that was deployed after it.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Action, Disruption, Fault, FaultKind
from certify_faults.wrapping import around
from certify_stack.kit.settings import Settings

SERVICE = "crm"
_CONFLICT = '\ntype Invoice @key(fields: "id") { id: ID! number: Int! }\n'
# The SDL of each service as its source has it, relative to the source root.
SCHEMAS = "certify_stack/erp/schemas"
_EXTRA = "\nextend type Customer { nickname: String }\n"

Next = Callable[[Request], Awaitable[Response]]
Edit = Callable[[str], str]
Body = dict[str, Any]


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


def drifted(app: Starlette, service_name: str, settings: Settings) -> None:
    """The service that runs has a field that its SDL file does not have."""
    more = '\nextend type Customer {\n  "Points that it has collected."\n  points: Int\n}\n'
    _tell(app, service_name, settings, lambda sdl: sdl + more)


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


def key_lost(app: Starlette, service_name: str, settings: Settings) -> None:
    """Customers have no key here any more, and other subgraphs refer to them by it."""
    _tell(app, service_name, settings, _without('type Customer @key(fields: "id")', "type Customer"))


def field_twice(app: Starlette, service_name: str, settings: Settings) -> None:
    """`Query.currencies` is resolved here too, and is not shareable."""
    _tell(app, service_name, settings, lambda sdl: sdl + "\nextend type Query { currencies: [Currency!]! }\n")


def lone_enum_value(app: Starlette, service_name: str, settings: Settings) -> None:
    """An invoice may be in a state that finance does not know."""
    more = "\nenum InvoiceStatus { DRAFT LOST }\nextend type Customer { worst: InvoiceStatus }\n"
    _tell(app, service_name, settings, lambda sdl: sdl + more)


def unknown_type(app: Starlette, service_name: str, settings: Settings) -> None:
    """A whole type, and the query for it, are unknown to the gateway."""
    more = '\n"A reward."\ntype Reward {\n  "What it is worth."\n  points: Int\n}\n'
    more += 'extend type Query {\n  "All rewards."\n  rewards: [Reward!]!\n}\n'
    _tell(app, service_name, settings, lambda sdl: sdl + more)


def field_removed(app: Starlette, service_name: str, settings: Settings) -> None:
    """Customers have no telephone number any more."""
    _tell(app, service_name, settings, _without('  """Telephone number."""\n  phone: String\n', "", everywhere=True))


def argument_required(app: Starlette, service_name: str, settings: Settings) -> None:
    """Whoever asks for customers must say how many."""
    _tell(app, service_name, settings, _without("limit: Int! = 20", "limit: Int!", everywhere=True))


def undocumented(app: Starlette, service_name: str, settings: Settings) -> None:
    """The telephone number is not described."""
    _tell(app, service_name, settings, _without('  """Telephone number."""\n', "", everywhere=True))


def undocumented_type(app: Starlette, service_name: str, settings: Settings) -> None:
    """What a contact is, nobody says."""
    _tell(app, service_name, settings, _without('"""A person at a customer."""\ntype Contact', "type Contact"))


def stub_resolver(app: Starlette, service_name: str, settings: Settings) -> None:
    """A query is in the schema, and nobody wrote it."""
    told = {"data": None, "errors": [{"message": "not implemented", "extensions": {"code": "NOT_IMPLEMENTED"}}]}
    _answer(app, service_name, settings, b"opportunities", lambda _: told)


def entity_null(app: Starlette, service_name: str, settings: Settings) -> None:
    """No entity is ever found by its key."""
    _entities(app, service_name, settings, lambda _: None)


def entity_of_wrong_type(app: Starlette, service_name: str, settings: Settings) -> None:
    """Every entity that is found by its key says that it is a currency."""
    _entities(app, service_name, settings, lambda entity: entity and entity | {"__typename": "Currency"})


def _without(text: str, instead: str, *, everywhere: bool = False) -> Edit:
    def edit(sdl: str) -> str:
        if text not in sdl:
            raise ValueError(f"the schema has no {text!r}")
        return sdl.replace(text, instead, -1 if everywhere else 1)

    return edit


def _tell(app: Starlette, service_name: str, settings: Settings, edit: Edit) -> None:
    def told(body: Body) -> Body:
        body["data"]["_service"]["sdl"] = edit(body["data"]["_service"]["sdl"])
        return body

    _answer(app, service_name, settings, b"_service", told)


def _entities(app: Starlette, service_name: str, settings: Settings, edit: Callable[[Any], Any]) -> None:
    def told(body: Body) -> Body:
        found = (body.get("data") or {}).get("_entities")
        if found:
            body["data"]["_entities"] = [edit(entity) for entity in found]
        return body

    _answer(app, service_name, settings, b"_entities", told)


def _answer(app: Starlette, service_name: str, settings: Settings, asked: bytes, edit: Callable[[Body], Body]) -> None:
    """Change what the service answers to requests that hold `asked`."""
    del settings
    if service_name != SERVICE:
        return

    @around(app)
    async def edited(request: Request, call_next: Next) -> Response:
        concerned = request.method == "POST" and asked in await request.body()
        response = await call_next(request)
        if not concerned or response.status_code != 200:
            return response
        parts = [part async for part in response.body_iterator]  # type: ignore[attr-defined]
        return JSONResponse(edit(json.loads(b"".join(parts))))


async def _asks_for_sdl(request: Request) -> bool:
    return request.method == "POST" and b"_service" in await request.body()


RULES = tuple(f"federation.{rule}" for rule in ("composes", "documented", "breaking", "keys", "served", "implemented"))


def _fault(
    function: Callable[[Starlette, str, Settings], None],
    name: str,
    breaks: str,
    rule: str,
    *also: str,
    options: dict[str, dict[str, object]] | None = None,
) -> Fault:
    """One fault; the other rules of the family may notice it too, because all look at the same schemas."""
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(rule,),
        target=SERVICE,
        overlay=f"{__name__}:{function.__name__}",
        also=(*also, *(other for other in RULES if other != rule)),
        options=options or {},
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
        key_lost,
        "key-lost",
        "an entity that other subgraphs refer to has no key any more",
        "federation.composes",
        *(
            f"federation.composes@{other}"
            for other in ("finance", "document-generator", "notification", "project-management")
        ),
    ),
    _fault(
        field_twice,
        "field-resolved-twice",
        "two subgraphs resolve a field that is not shareable",
        "federation.composes",
        "federation.composes@master-data",
    ),
    _fault(
        lone_enum_value,
        "enum-value-in-one-subgraph",
        "an enum that is asked with and answered with has a value in one subgraph only",
        "federation.composes",
        "federation.composes@finance",
    ),
    _fault(
        invalid_sdl, "schema-is-no-schema", "the subgraph's schema ends in the middle of a type", "federation.composes"
    ),
    _fault(
        drifted,
        "schema-is-not-its-file",
        "the schema that the subgraph tells is not that of its file",
        "federation.composes",
        options={"federation": {"subgraphs": SCHEMAS}},
    ),
    _fault(introspection_refused, "schema-not-told", "the subgraph refuses to tell its schema", "federation.composes"),
    Fault(
        name="subgraph-down",
        kind=FaultKind.DISRUPTION,
        breaks="a subgraph is down",
        caught_by=("federation.composes",),
        target=SERVICE,
        disruptions=(Disruption(Action.KILL, SERVICE),),
        also=(*RULES[1:], "health.ready", "health.ready@gateway"),
        alone=True,
    ),
    _fault(
        stale_gateway,
        "gateway-is-stale",
        "a field of the subgraph is unknown to the gateway",
        "federation.served",
    ),
    _fault(unknown_type, "gateway-lacks-type", "a type of the subgraph is unknown to the gateway", "federation.served"),
    _fault(field_removed, "field-removed", "a field that clients may use was removed", "federation.breaking"),
    _fault(
        argument_required,
        "argument-made-required",
        "an argument that clients may leave out is required",
        "federation.breaking",
    ),
    _fault(undocumented, "field-undocumented", "a field has no description", "federation.documented"),
    _fault(undocumented_type, "type-undocumented", "a type has no description", "federation.documented"),
    _fault(entity_null, "entity-never-found", "no entity of the subgraph is found by its key", "federation.keys"),
    _fault(
        entity_of_wrong_type,
        "entity-of-wrong-type",
        "entities found by their key are of another type",
        "federation.keys",
    ),
    _fault(stub_resolver, "query-not-implemented", "a query is not implemented", "federation.implemented"),
)
