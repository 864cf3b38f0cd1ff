"""Calls to other services: GraphQL over HTTP with the service's own token, inside of a client span."""

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from opentelemetry.trace import SpanKind

from certify_stack.kit.breaker import Breaker
from certify_stack.kit.observe import Metrics
from certify_stack.kit.settings import Settings
from certify_stack.kit.tracing import Tracing, outgoing

log = logging.getLogger(__name__)

DEADLINE = 1.0
# Shorter than the time for which servers keep an idle connection, so that hardly any call meets a closed one.
LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=3.0)
REFUSALS = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
AWAY_CODES = frozenset({"UNAVAILABLE", "DEPENDENCY_UNAVAILABLE"})


class CallError(Exception):
    """Another service did not do what it was asked; the message names service and cause."""


class AwayError(CallError):
    """It does not answer, or says that it cannot work at present."""


class RefusedError(CallError):
    """It does not let this service in."""


class Client:
    """Calls services by name; one that does not answer is left alone for a while.

    Attributes:
        urls: Base URL of each service that can be called.
        token_file: The file with this service's token.
    """

    def __init__(self, settings: Settings, tracing: Tracing, metrics: Metrics) -> None:
        self.urls = dict(settings.service_urls)
        self.token_file: Path | None = settings.service_token_file
        self._tracing = tracing
        self._metrics = metrics
        self._breakers: dict[str, Breaker] = {}
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close idle connections."""
        if self._http is not None:
            await self._http.aclose()

    async def graphql(
        self,
        service: str,
        query: str,
        variables: Mapping[str, Any],
        parent: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return ``data`` of a GraphQL answer.

        Args:
            service: The name of the service to call.
            query: The document.
            variables: Its variables.
            parent: Trace headers of the request on whose behalf the call is made, when it is no longer current.

        Raises:
            AwayError: The service does not answer within a second, or did not lately.
            RefusedError: It does not let this service in.
            CallError: No URL is known, or it answers with other errors.
        """
        base = self.urls.get(service)
        if base is None:
            raise CallError(f"no URL of {service} is configured")
        url = urlsplit(base)
        about: dict[str, str | int] = {
            "peer.service": service,
            "server.address": url.hostname or "",
            "server.port": url.port or 0,
        }
        with self._tracing.span(f"POST {service}", SpanKind.CLIENT, about, parent):
            body = msgspec.json.encode({"query": query, "variables": variables})
            return await self._guarded(service, f"{base.rstrip('/')}/graphql", body)

    async def document(self, service: str, path: str) -> dict[str, Any]:
        """Return a JSON document that a service gives to everybody.

        Raises:
            CallError: No URL is known, the service does not answer, or it gives something else.
        """
        base = self.urls.get(service)
        if base is None:
            raise CallError(f"no URL of {service} is configured")
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._opened().get(f"{base.rstrip('/')}{path}")
        except (httpx.HTTPError, OSError) as error:
            raise AwayError(f"{service}: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK:
            raise CallError(f"{service} answered {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeError) as error:
            raise CallError(f"{service}: {type(error).__name__}") from error

    async def _guarded(self, service: str, url: str, body: bytes) -> dict[str, Any]:
        breaker = self._breakers.setdefault(service, Breaker())
        if not breaker.allows(time.monotonic()):
            self._metrics.calls.labels(service, "not tried").inc()
            raise AwayError(f"{service} did not answer lately")
        try:
            data = _data(service, await self._post(service, url, body))
        except AwayError as error:
            self._metrics.calls.labels(service, "no answer").inc()
            if breaker.failed(time.monotonic()):
                self._metrics.open_breakers.labels(service).set(1)
                log.warning("circuit breaker opens", extra={"dependency": service, "cause": str(error)})
            raise
        except CallError:
            self._answered(service, breaker, "error")
            raise
        self._answered(service, breaker, "ok")
        return data

    def _answered(self, service: str, breaker: Breaker, outcome: str) -> None:
        self._metrics.calls.labels(service, outcome).inc()
        if breaker.succeeded():
            self._metrics.open_breakers.labels(service).set(0)
            log.info("circuit breaker closes", extra={"dependency": service})

    async def _post(self, service: str, url: str, body: bytes) -> httpx.Response:
        try:
            async with asyncio.timeout(DEADLINE):
                try:
                    return await self._send(url, body)
                except (httpx.NetworkError, httpx.RemoteProtocolError):
                    # Most likely a kept connection that the other side closed: once more, on a new one.
                    return await self._send(url, body)
        except (httpx.HTTPError, OSError) as error:
            raise AwayError(f"{service}: {type(error).__name__}") from error

    async def _send(self, url: str, body: bytes) -> httpx.Response:
        return await self._opened().post(url, content=body, headers=self._headers())

    def _opened(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=DEADLINE, limits=LIMITS, trust_env=False)
        return self._http

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", **outgoing()}
        if self.token_file is not None:
            # Read anew for each call: the token may have been renewed.
            headers["authorization"] = f"Bearer {self.token_file.read_text(encoding='ascii').strip()}"
        return headers


def _data(service: str, answer: httpx.Response) -> dict[str, Any]:
    """Return the data of an answer, or raise what is wrong with it."""
    if answer.status_code in REFUSALS:
        raise RefusedError(f"{service} answered {answer.status_code}")
    if answer.status_code != httpx.codes.OK:
        kind = AwayError if answer.is_server_error else CallError
        raise kind(f"{service} answered {answer.status_code}")
    try:
        document = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise CallError(f"{service}: {type(error).__name__}") from error
    if document.get("errors"):
        raise _graphql_error(service, document["errors"][0])
    data: dict[str, Any] = document.get("data") or {}
    return data


def _graphql_error(service: str, error: Mapping[str, Any]) -> CallError:
    code = (error.get("extensions") or {}).get("code")
    kind = AwayError if code in AWAY_CODES else RefusedError if code == "FORBIDDEN" else CallError
    return kind(f"{service}: {error.get('message')}")
