"""Calls to other services: GraphQL over HTTP with the service's own token, inside of a client span."""

from collections.abc import Mapping
from typing import Any

import httpx
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

from certify_stack.kit.settings import Settings
from certify_stack.kit.tracing import PROPAGATOR, Tracing, outgoing

TIMEOUT = httpx.Timeout(5.0, connect=1.0)


class CallError(Exception):
    """Another service did not do what it was asked; the message names service and cause."""


class Client:
    """Calls services by name."""

    def __init__(self, settings: Settings, tracing: Tracing) -> None:
        self._settings = settings
        self._tracer = tracing.tracer
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
            CallError: No URL is known, the service does not answer, or it answers with errors.
        """
        base = self._settings.service_urls.get(service)
        if base is None:
            raise CallError(f"no URL of {service} is configured")
        context = PROPAGATOR.extract(parent, context=Context()) if parent else None
        with self._tracer.start_as_current_span(f"POST {service}", context=context, kind=SpanKind.CLIENT) as span:
            span.set_attribute("peer.service", service)
            try:
                return await self._post(
                    service, f"{base.rstrip('/')}/graphql", {"query": query, "variables": variables}
                )
            except (httpx.HTTPError, ValueError, OSError) as error:
                span.set_status(StatusCode.ERROR)
                raise CallError(f"{service}: {type(error).__name__}") from error

    async def _post(self, service: str, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        answer = await self._http.post(url, json=body, headers=self._headers())
        if answer.status_code != httpx.codes.OK:
            raise CallError(f"{service} answered {answer.status_code}")
        document = answer.json()
        if document.get("errors"):
            raise CallError(f"{service}: {document['errors'][0].get('message')}")
        data: dict[str, Any] = document["data"]
        return data

    def _headers(self) -> dict[str, str]:
        headers = outgoing()
        path = self._settings.service_token_file
        if path is not None:
            # Read anew for each call: the token may have been renewed.
            headers["authorization"] = f"Bearer {path.read_text(encoding='ascii').strip()}"
        return headers
