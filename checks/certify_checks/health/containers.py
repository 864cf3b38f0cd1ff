"""Asking about containers from outside, again and again: the engine about its process, its published ports by TCP."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from certify.api import Container, Service, visible
from certify_checks.health.model import Probed
from certify_checks.health.probe import DECOY_HOST, Pace
from certify_checks.health.samples import Contained, Sample

PROBE = "container"
# The engine's proxy takes every connection and drops it when nobody listens inside: only what stays open is served.
# A busy machine drops late, so what nobody could ask directly gets more time.
_PATIENCE = 0.15
_MORE_PATIENCE = 0.6
_REACH_SECONDS = 0.5
_ABSENT = "0" * 64


async def watch_containers(services: list[Service], pace: Pace) -> tuple[tuple[Probed, ...], tuple[Probed, ...]]:
    """All containers over the same window, and things of our own whose state is known: (probed, decoys)."""
    contained = {service.name: service.container for service in services if service.container}
    if not contained:
        return (), ()
    engine = await asyncio.to_thread(_engine, next(iter(contained.values())).engine)
    try:
        watched = (_watch(engine, name, container, pace) for name, container in contained.items())
        probed, decoys = await asyncio.gather(asyncio.gather(*watched), _decoys(engine))
    finally:
        await asyncio.to_thread(engine.close)
    return tuple(probed), decoys


def _engine(host: str) -> Any:
    import docker  # noqa: PLC0415 - stacks without containers need not pay a quarter of a second for it

    return docker.DockerClient(host) if host else docker.from_env()


async def _watch(engine: Any, name: str, container: Container, pace: Pace) -> Probed:
    probed = Probed(name, PROBE, PROBE, up=bool(container.id))
    if not container.id:
        return probed
    samples: list[Sample] = []
    began, due, since = time.perf_counter(), 0.0, ""
    while True:
        sample, started = await _ask(engine, container, began, since, pace.timeout)
        since = since or started
        samples.append(sample)
        if due >= pace.window:
            return Probed(name, PROBE, PROBE, samples=tuple(samples))
        due = min(max(due + pace.interval, time.perf_counter() - began), pace.window)
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))


async def _ask(engine: Any, container: Container, began: float, since: str, patience: float) -> tuple[Sample, str]:
    """One look, and when the container's process was started."""
    start = time.perf_counter()
    error, contained, started = "", None, since
    try:
        async with asyncio.timeout(patience):
            details, unserved = await asyncio.gather(
                asyncio.to_thread(engine.api.inspect_container, container.id),
                _unserved(container.ports, container.inside),
            )
        started = str(details["State"].get("StartedAt") or "")
        contained = _contained(container, details, unserved, again=bool(since) and started != since)
    except TimeoutError:
        error = f"the engine does not answer within {patience:g} s"
    except Exception as failure:  # noqa: BLE001 - the SDK, requests and urllib3 raise errors without a common base
        error = f"the engine cannot tell: {visible(str(failure))[:200]}"
    end = time.perf_counter()
    return Sample(int((start - began) * 1e6), 0, int((end - start) * 1e6), error, contained=contained), started


def _contained(container: Container, details: Any, unserved: tuple[int, ...], *, again: bool) -> Contained:
    state = details["State"]
    return Contained(
        status=visible(str(state.get("Status") or "")),
        exit_code=int(state.get("ExitCode") or 0),
        health=visible(str((state.get("Health") or {}).get("Status") or "")) if container.checked else "",
        ends=container.ends,
        again=again,
        unserved=unserved if state.get("Status") == "running" else (),
    )


async def _unserved(ports: tuple[int, ...], inside: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The ports of this machine behind which nobody keeps a connection open or says something."""
    both = itertools.zip_longest(ports, inside[: len(ports)], fillvalue="")
    served = await asyncio.gather(*(_served(int(port), str(own)) for port, own in both))
    return tuple(port for port, held in zip(ports, served, strict=True) if not held)


async def _served(port: int, inside: str) -> bool:
    direct = await _listens(inside) if inside else None
    return direct is not False and await _kept(port, _PATIENCE if direct else _MORE_PATIENCE)


async def _listens(inside: str) -> bool | None:
    """Whether the container itself takes a connection; None when this machine cannot reach its network."""
    address, _, port = inside.rpartition(":")
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            _, writer = await asyncio.open_connection(address, int(port))
    except ConnectionRefusedError:
        return False
    except (OSError, TimeoutError):
        return None
    writer.close()
    return True


async def _kept(port: int, patience: float) -> bool:
    try:
        reader, writer = await asyncio.open_connection(DECOY_HOST, port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(patience):
            return bool(await reader.read(1))
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        writer.close()


async def _decoys(engine: Any) -> tuple[Probed, ...]:
    """A container that does not exist, a port that is served, one that drops whoever comes."""
    absent, _ = await _ask(engine, Container(_ABSENT), time.perf_counter(), "", 2.0)
    async with _listening(_hold) as held, _listening(_drop) as dropped:
        unserved = await _unserved((held, dropped))
    ports = {"served-port": held, "dropping-port": dropped}
    looks = {
        name: Contained("running", unserved=tuple(one for one in unserved if one == port))
        for name, port in ports.items()
    }
    return (
        Probed("absent-container", PROBE, PROBE, samples=(absent,)),
        *(Probed(name, PROBE, PROBE, samples=(Sample(0, contained=look),)) for name, look in looks.items()),
    )


@asynccontextmanager
async def _listening(answer: Callable[..., Any]) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, DECOY_HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
