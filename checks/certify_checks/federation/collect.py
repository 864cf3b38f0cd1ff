"""Asks running services for their SDL, and the gateway for its schema."""

import asyncio

import graphql as gql
import httpx

from certify.api import Service
from certify_checks.federation.coordinates import of_introspection
from certify_checks.federation.model import Fetched, Served, Subgraph
from certify_checks.http import Client, GraphQLAnswer, LoginError, describe

# In this order: a machine's token where the stack gives one, else that of the most privileged user.
ROLES = ("service", "admin")
SDL = "{ _service { sdl } }"
# The newest form first; a server that does not know it is asked again without.
QUERIES = tuple(gql.get_introspection_query(descriptions=False, input_value_deprecation=new) for new in (True, False))


async def token(client: Client) -> str:
    """A token that may introspect; empty when the stack gives none, and then the services say what they think of it."""
    for role in ROLES:
        try:
            return await client.token(role)
        except LoginError:
            continue
    return ""


async def subgraphs(client: Client, services: tuple[Service, ...], bearer: str) -> list[tuple[Subgraph, str]]:
    """Every subgraph with its SDL, all asked at once; the SDL is empty unless the state is `ok`."""
    return list(await asyncio.gather(*(_subgraph(client, service, bearer) for service in services)))


async def _subgraph(client: Client, service: Service, bearer: str) -> tuple[Subgraph, str]:
    def failed(state: Fetched, detail: str) -> tuple[Subgraph, str]:
        return Subgraph(service.name, service.url, state, detail[:500]), ""

    if not service.url:
        return failed(Fetched.UNREACHABLE, "it has no address: it did not start")
    try:
        answer = await client.graphql(service, SDL, token=bearer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failed(Fetched.UNREACHABLE, describe(error))
    told = answer.data.get("_service")
    sdl = told.get("sdl") if isinstance(told, dict) else None
    if not isinstance(sdl, str) or answer.errors:
        return failed(Fetched.REFUSED, answer.complaint or "the answer holds no SDL")
    return Subgraph(service.name, service.url), sdl


async def gateway(client: Client, service: Service | None, bearer: str) -> tuple[Served, str]:
    """What the gateway serves, and its introspection as text for the evidence."""
    if service is None:
        return Served(), ""
    if not service.url:
        return Served(Fetched.UNREACHABLE, detail="it has no address: it did not start"), ""
    try:
        alive = await client.graphql(service, "{ __typename }", token=bearer)
        answer = await _introspect(client, service, bearer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Served(Fetched.UNREACHABLE, detail=describe(error)), ""
    return read_gateway(alive, answer)


async def _introspect(client: Client, service: Service, bearer: str) -> GraphQLAnswer:
    answer = await client.graphql(service, QUERIES[0], token=bearer)
    return answer if answer.ok else await client.graphql(service, QUERIES[1], token=bearer)


def read_gateway(alive: GraphQLAnswer, answer: GraphQLAnswer) -> tuple[Served, str]:
    """Understand the gateway's two answers."""
    answers = alive.ok and isinstance(alive.data.get("__typename"), str)
    detail = "" if answers else alive.complaint or "the answer to { __typename } holds no name"
    if not answer.ok:
        return Served(Fetched.REFUSED, answers, detail or answer.complaint), ""
    try:
        coordinates = of_introspection(answer.data)
        text = gql.print_schema(gql.build_client_schema(answer.data, assume_valid=True))  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - hostile input: graphql-core raises many kinds for a malformed answer
        return Served(Fetched.INVALID, answers, detail or describe(error)[:500]), ""
    return Served(Fetched.OK, answers, detail, coordinates), text
