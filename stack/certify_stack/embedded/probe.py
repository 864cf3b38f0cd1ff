"""Asks a health probe over HTTP, as cheaply as that can be done: a boot asks hundreds of times."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_PROBE_SECONDS = 3.0
_MAX_ANSWER = 1 << 20
_OK = 200
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.3


@dataclass(frozen=True)
class Answer:
    """Status and text of an answer; status 0 with a reason when there was none."""

    status: int
    text: str

    @property
    def good(self) -> bool:
        """Whether the probe says yes."""
        return self.status == _OK

    @property
    def reason(self) -> str:
        """Why it does not: what the service names as failing, else the plain answer."""
        try:
            body: Any = json.loads(self.text)
            parts = {name: state for name, state in body["parts"].items() if state != "ok"}
        except (ValueError, TypeError, KeyError, AttributeError):
            return f"{self.status or 'no answer'}: {self.text[:200]}"
        return ", ".join(f"{name}: {state}" for name, state in parts.items())


async def get(url: str) -> Answer:
    """GET without redirects or keep-alive; never raises for what the other side does."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await _get(url)
    except TimeoutError:
        return Answer(0, f"nothing within {_PROBE_SECONDS:g} s")
    except (OSError, EOFError, ValueError) as error:
        return Answer(0, f"{type(error).__name__}: {error}")


async def until_good(url: str) -> Answer:
    """Ask until the probe says yes, the longer the less often; limit it from outside."""
    pause = _FIRST_PAUSE
    while not (answer := await get(url)).good:
        await asyncio.sleep(pause)
        pause = min(pause * 1.25, _LONGEST_PAUSE)
    return answer


async def _get(url: str) -> Answer:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_MAX_ANSWER)
    try:
        request = f"GET {parts.path or '/'} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n"
        writer.write(request.encode("ascii"))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read(_MAX_ANSWER)
    finally:
        writer.close()
    return Answer(int(head.split(b" ", 2)[1]), body.decode(errors="replace"))
