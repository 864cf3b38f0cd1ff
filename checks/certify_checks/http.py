"""One HTTP and GraphQL client for all checks: addresses, log-in and time-outs in one place."""

import time
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from certify.api import Context, Service

GATEWAY = "gateway"


class LoginError(RuntimeError):
    """No token could be had; the message says which role, where, and what came back."""


class GraphQLAnswer(msgspec.Struct, frozen=True):
    """What a GraphQL end point answered.

    Attributes:
        status: HTTP status.
        data: the `data` member; empty when absent or null.
        errors: the `errors` member.
        text: the first 2,000 characters of the body when it is no GraphQL answer, else empty.
        elapsed_us: from the first byte sent to the last received, in microseconds.
    """

    status: int
    data: dict[str, Any] = {}
    errors: tuple[dict[str, Any], ...] = ()
    text: str = ""
    elapsed_us: int = 0

    @property
    def ok(self) -> bool:
        """Status 200, data there, and no error."""
        return self.status == 200 and bool(self.data) and not self.errors

    @property
    def complaint(self) -> str:
        """Why it is not ok, in one line; text of a service, so hostile."""
        if self.errors:
            return "; ".join(str(error.get("message", error)) for error in self.errors)[:500]
        return "" if self.ok else f"HTTP {self.status} {self.text}".strip()[:500]


class Client:
    """An asynchronous client of one stack.

    Proxies of the environment are not used: what is measured is the stack, and it is on this machine.

    Example:
        async with Client(ctx) as client:
            answer = await client.graphql("finance", "{ invoices { id } }", token=await client.token("accountant"))
    """

    def __init__(self, ctx: Context, *, timeout: float = 10.0, limits: httpx.Limits | None = None) -> None:
        self._stack = ctx.stack
        pool = limits or httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False, limits=pool)
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def service(self, name: str | Service) -> Service:
        """The service of that name; `gateway` is the gateway.

        Raises:
            KeyError: there is none.
        """
        if isinstance(name, Service):
            return name
        gateway = self._stack.gateway
        if gateway and name in {GATEWAY, gateway.name}:
            return gateway
        return self._stack.service(name)

    def roles(self) -> tuple[str, ...]:
        """The roles that the stack gave a user for."""
        return tuple(self._stack.credentials.get("users", {}))

    async def token(self, role: str) -> str:
        """A bearer token of the user with that role; logs in once per role.

        Raises:
            LoginError: no such user, no log-in address, or the log-in was refused.
        """
        if role not in self._tokens:
            self._tokens[role] = self._stack.credentials.get("tokens", {}).get(role) or await self._login(role)
        return self._tokens[role]

    async def _login(self, role: str) -> str:
        credentials = self._stack.credentials
        user, address = credentials.get("users", {}).get(role), credentials.get("login")
        if not user or not address:
            raise LoginError(f"the stack gives no user of role {role!r} or no log-in address")
        body = {"username": user["username"], "password": user["password"]}
        try:
            response = await self._http.post(address, json=body)
            token = response.json()["access_token"]
        except httpx.HTTPError as error:
            raise LoginError(f"log-in of {role!r} at {address} failed: {describe(error)}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise LoginError(
                f"log-in of {role!r} at {address} gave HTTP {response.status_code} and no token"
            ) from error
        return str(token)

    async def get(self, service: str | Service, path: str, token: str = "") -> httpx.Response:
        """GET `path` of a service.

        Raises:
            httpx.HTTPError: no answer.
        """
        return await self._http.get(self._address(service, path), headers=bearer(token))

    async def post(
        self, service: str | Service, path: str, body: Any, token: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """POST `body` as JSON to a service.

        Raises:
            httpx.HTTPError: no answer.
        """
        sent = bearer(token) | (headers or {})
        return await self._http.post(self._address(service, path), json=body, headers=sent)

    async def graphql(
        self, service: str | Service, query: str, variables: dict[str, Any] | None = None, token: str = ""
    ) -> GraphQLAnswer:
        """Run one operation; an answer that is no GraphQL comes back as such, not as an exception.

        Raises:
            httpx.HTTPError: no answer.
        """
        target = self.service(service)
        began = time.perf_counter_ns()
        body = {"query": query, "variables": variables or {}}
        response = await self.post(target, target.graphql or "/graphql", body, token)
        return read_graphql(response, (time.perf_counter_ns() - began) // 1000)

    def _address(self, service: str | Service, path: str) -> str:
        return self.service(service).url.rstrip("/") + "/" + path.lstrip("/")


def bearer(token: str) -> dict[str, str]:
    """The header that carries `token`; none when it is empty."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def read_graphql(response: httpx.Response, elapsed_us: int = 0) -> GraphQLAnswer:
    """Read a response body as a GraphQL answer, whatever it is."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not {"data", "errors"} & set(body):
        return GraphQLAnswer(response.status_code, text=response.text[:2000], elapsed_us=elapsed_us)
    data, errors = body.get("data"), body.get("errors")
    return GraphQLAnswer(
        response.status_code,
        data if isinstance(data, dict) else {},
        tuple(error if isinstance(error, dict) else {"message": str(error)} for error in _listed(errors)),
        elapsed_us=elapsed_us,
    )


def _listed(errors: Any) -> list[Any]:
    return errors if isinstance(errors, list) else [errors] if errors else []


def describe(error: BaseException) -> str:
    """An exception in one line; httpx leaves many of its own without a text."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
