"""Asking probes from outside, again and again, over one window; and servers of our own with known answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from certify_checks.health.model import HealthConfig, Probed
from certify_checks.health.samples import Sample
from certify_checks.heartbeat import Heartbeat
from certify_checks.http import describe

DECOY_HOST = "127.0.0.1"
_HANGING = 0.2
# A question in trouble while this process itself could not run is put again, so often at most.
_AGAIN = 5


class Pace(NamedTuple):
    """How long, how often and how patiently, in seconds."""

    window: float
    interval: float
    timeout: float

    @classmethod
    def of(cls, config: HealthConfig) -> "Pace":
        """The pace that the profile asks for."""
        return cls(config.window.seconds, config.interval.seconds, config.timeout.seconds)


class Prober(NamedTuple):
    """What questions are asked with, and what tells whether they were given their time."""

    client: httpx.AsyncClient
    heart: Heartbeat


@asynccontextmanager
async def prober() -> AsyncIterator[Prober]:
    """One for all probes: a new connection for each question, and no limit by which one could hold up another."""
    pool = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, limits=pool) as client, Heartbeat.beating() as heart:
        yield Prober(client, heart)


async def watch(prober: Prober, probed: Probed, url: str, pace: Pace) -> Probed:
    """Ask one probe over the whole window, the last time at its end or later."""
    if not probed.path or not url:
        return probed
    where, samples = address(url, probed.path), []
    began = time.perf_counter()
    due = 0.0
    while True:
        samples.append(await ask(prober, where, began, pace.timeout))
        if due >= pace.window:
            break
        # A slow answer takes the place of the questions that were due meanwhile.
        due = min(max(due + pace.interval, time.perf_counter() - began), pace.window)
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
    return Probed(probed.service, probed.probe, probed.path, samples=tuple(samples))


def address(url: str, path: str) -> str:
    """Where a probe is asked."""
    return url.rstrip("/") + "/" + path.lstrip("/")


async def ask(prober: Prober, where: str, began: float, timeout: float) -> Sample:  # noqa: ASYNC109 - its name is reported
    """Ask once; `began` is when the times of the samples count from.

    Trouble while this machine stood still says nothing of the service: the question is put again.
    """
    for _ in range(_AGAIN):
        since = time.perf_counter()
        sample = await _ask(prober.client, where, began, timeout)
        if not sample.trouble or not prober.heart.lost(since):
            break
    return sample


async def _ask(client: httpx.AsyncClient, where: str, began: float, timeout: float) -> Sample:  # noqa: ASYNC109 - as above
    start = time.perf_counter()
    status, error, says = 0, "", ""
    try:
        # httpx limits each read; a body that drips for ever needs a limit on the whole.
        async with asyncio.timeout(timeout):
            response = await client.get(where, timeout=timeout)
        status, says = response.status_code, _says(response)
    except TimeoutError:
        error = f"no answer within {timeout:g} s"
    except httpx.TimeoutException:
        error = f"no answer within {timeout:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        error = describe(failure)
    end = time.perf_counter()
    return Sample(int((start - began) * 1e6), status, int((end - start) * 1e6), error, says)


def _says(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    said = body.get("status") if isinstance(body, dict) else None
    return said.strip().lower()[:40] if isinstance(said, str) else ""


@asynccontextmanager
async def decoys() -> AsyncIterator[str]:
    """A server whose probes are known: `/ready` always, `/refusing` and `/hanging` never, `/flapping` by turns."""
    turn = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
            if path == b"/hanging":
                await reader.read()
                return
            turn += path == b"/flapping"
            good = path == b"/ready" or (path == b"/flapping" and turn % 2 == 1)
            status = b"200 OK" if good else b"503 Service Unavailable"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, DECOY_HOST, 0)
    async with server:
        yield f"http://{DECOY_HOST}:{server.sockets[0].getsockname()[1]}"


async def watch_decoys(prober: Prober, pace: Pace) -> tuple[Probed, ...]:
    """Ask the decoys by the same function, more briefly; only the one that hangs is given up soon."""
    brief = Pace(min(pace.window, 0.6), min(pace.interval, 0.2), pace.timeout)
    paces = {"/ready": brief, "/refusing": brief, "/flapping": brief, "/hanging": brief._replace(timeout=_HANGING)}
    async with decoys() as url:
        probes = (watch(prober, Probed(path[1:], "ready", path), url, each) for path, each in paces.items())
        return tuple(await asyncio.gather(*probes))
