"""Following the file of spans while the stack writes it, and a call of our own that must come out of it."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

import httpx

from certify.api import read_spans
from certify_checks.tracing import CALL, Edge, Hop, Joined

DECOY: Final = "certify-decoy-"
_CHUNK: Final = 4 * 1024 * 1024


class Tail:
    """Reads what was appended since the last time. `lost` counts what cannot have reached the file whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._dropped = 0
        self._unreadable = 0

    @property
    def lost(self) -> int:
        """Spans that the listener dropped, and lines that are no span."""
        return self._dropped + self._unreadable

    async def feed(self, joined: Joined) -> None:
        """Give `joined` all that is there by now.

        Raises:
            OSError: the file cannot be read.
        """
        while await asyncio.to_thread(self._feed, joined):
            pass

    def _feed(self, joined: Joined) -> bool:
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read(_CHUNK)
        spans = read_spans(content, of=Hop)
        joined.add(spans.spans)
        # A line that is longer than a chunk is none of the listener's: it is skipped piece by piece.
        endless = not spans.size and len(content) == _CHUNK
        self._at += len(content) if endless else spans.size
        self._unreadable += spans.unreadable + endless
        self._dropped = max(self._dropped, spans.dropped)
        return len(content) == _CHUNK


class Decoy(NamedTuple):
    """A call between two services that do not exist."""

    edge: Edge

    @classmethod
    def new(cls) -> Self:
        """One of its own for each check, because several may look into one file."""
        name = DECOY + secrets.token_hex(4)
        return cls(Edge(f"{name}-caller", f"{name}-called", CALL))

    async def send(self, url: str) -> str:
        """Tell the listener at `url` of it, as a service would.

        Returns:
            Why that failed; empty when it did not.
        """
        if not url:
            return "nobody listens for spans"
        trace, caller, called = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(8)
        spans = [
            _resource(self.edge.called, _span(trace, called, 2, caller)),
            _resource(self.edge.caller, _span(trace, caller, 3)),
        ]
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                response = await client.post(f"{url.rstrip('/')}/v1/traces", json={"resourceSpans": spans})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return "" if response.is_success else f"HTTP {response.status_code}"


def _resource(service: str, span: dict[str, object]) -> dict[str, object]:
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}


def _span(trace: str, ident: str, kind: int, parent: str = "") -> dict[str, object]:
    now = str(time.time_ns())
    times = {"startTimeUnixNano": now, "endTimeUnixNano": now}
    return {"traceId": trace, "spanId": ident, "parentSpanId": parent, "name": "decoy", "kind": kind, **times}
