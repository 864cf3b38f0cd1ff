"""Streams between services: large content in and out over HTTP, with the service's own token, inside of a client span."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import msgspec
from opentelemetry.trace import SpanKind

from certify_stack.kit.client import AwayError, CallError, Client, RefusedError
from certify_stack.kit.tracing import Tracing, outgoing

CONNECT_SECONDS = 2.0
# How long the other side may say nothing; a large import is committed in one go.
SILENCE_SECONDS = 120.0
TIMEOUT = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
REFUSALS = frozenset({401, 403})
LONGEST_COMPLAINT = 2000

Body = bytes | AsyncIterator[bytes]


class Transfers:
    """Sends and receives content by the name of a service. A connection lasts as long as its transfer."""

    def __init__(self, client: Client, tracing: Tracing) -> None:
        self._client = client
        self._tracing = tracing

    @asynccontextmanager
    async def open(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: Body = b"",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Give a good answer whose content may be streamed.

        Args:
            service: The name of the service to call.
            method: HTTP method.
            path: Path, and query if there is one.
            body: What to send; an iterator is sent in parts, as fast as the other side takes them.
            headers: More headers.

        Raises:
            AwayError: The service does not answer, or stops in the middle.
            RefusedError: It does not let this service in.
            CallError: No URL is known, or it answers with another status than 2xx.
        """
        base = self._client.urls.get(service)
        if base is None:
            raise CallError(f"no URL of {service} is configured")
        url = urlsplit(base)
        about: dict[str, str | int] = {
            "peer.service": service,
            "server.address": url.hostname or "",
            "server.port": url.port or 0,
        }
        with self._tracing.span(f"{method} {service}", SpanKind.CLIENT, about):
            sent = {**outgoing(), **self._token(), **(headers or {})}
            try:
                async with (
                    httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as http,
                    http.stream(method, f"{base.rstrip('/')}{path}", content=body, headers=sent) as answer,
                ):
                    await _check(service, answer)
                    yield answer
            except (httpx.HTTPError, OSError) as error:
                raise AwayError(f"{service}: {type(error).__name__}") from error

    async def send(
        self,
        service: str,
        path: str,
        body: Body,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """POST content and return the whole answer; raises as ``open`` does."""
        async with self.open(service, "POST", path, body=body, headers=headers) as answer:
            return await answer.aread()

    def _token(self) -> dict[str, str]:
        file = self._client.token_file
        return {} if file is None else {"authorization": f"Bearer {file.read_text(encoding='ascii').strip()}"}


async def _check(service: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    if answer.status_code in REFUSALS:
        raise RefusedError(f"{service} answered {answer.status_code}")
    said = (await answer.aread())[:LONGEST_COMPLAINT]
    kind = AwayError if answer.is_server_error else CallError
    raise kind(f"{service} answered {answer.status_code}: {_message(said)}")


def _message(said: bytes) -> str:
    try:
        return str(msgspec.json.decode(said, type=dict[str, str]).get("message", ""))
    except (msgspec.DecodeError, UnicodeError):
        return "no message"
