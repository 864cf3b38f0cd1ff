"""Asking about containers from outside, again and again: the engine about its process, its published ports by TCP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from certify.api import Container, Service, kept, listening, served, visible
from certify_checks.health.model import Probed
from certify_checks.health.probe import DECOY_HOST, Pace
from certify_checks.health.samples import Contained, Sample

PROBE = "container"
_ENGINE_PATIENCE = 10.0
_ABSENT = "0" * 64
# In seconds. Both ends of a decoy are in this process: held up for a moment, it must not call itself blind.
_DECOY_PATIENCE = 1.0


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
    began, due, first = time.perf_counter(), 0.0, None
    while True:
        sample, first = await _ask(engine, container, began, first, pace.timeout)
        samples.append(sample)
        if due >= pace.window:
            return Probed(name, PROBE, PROBE, samples=tuple(samples))
        due = min(max(due + pace.interval, time.perf_counter() - began), pace.window)
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))


class _First(NamedTuple):
    """What the first look at a container saw: when its process was started, and where it listened."""

    started: str = ""
    listened: frozenset[int] = frozenset()


async def _ask(
    engine: Any, container: Container, began: float, first: _First | None, patience: float
) -> tuple[Sample, _First | None]:
    """One look, and the first of all. How soon a busy engine answers says nothing of the container."""
    start, patience = time.perf_counter(), max(patience, _ENGINE_PATIENCE)
    error, contained = "", None
    try:
        async with asyncio.timeout(patience):
            details = await asyncio.to_thread(engine.api.inspect_container, container.id)
            listened = listening(int(details["State"].get("Pid") or 0), container.id)
            unserved = await _unserved(container, details, listened) if details["State"].get("Running") else ()
        first = first or _First(str(details["State"].get("StartedAt") or ""), listened or frozenset())
        contained = _contained(container, details, unserved, first, listened)
    except TimeoutError:
        error = f"the engine does not answer within {patience:g} s"
    except Exception as failure:  # noqa: BLE001 - the SDK, requests and urllib3 raise errors without a common base
        error = f"the engine cannot tell: {visible(str(failure))[:200]}"
    end = time.perf_counter()
    return Sample(int((start - began) * 1e6), 0, int((end - start) * 1e6), error, contained=contained), first


def _contained(
    container: Container, details: Any, unserved: tuple[int, ...], first: _First, listened: frozenset[int] | None
) -> Contained:
    state = details["State"]
    named = {
        int(port.partition("/")[0]) for port in details["Config"].get("ExposedPorts") or {} if port.endswith("/tcp")
    }
    left = (named & first.listened) - listened if state.get("Running") and listened is not None else frozenset()
    return Contained(
        status=visible(str(state.get("Status") or "")),
        exit_code=int(state.get("ExitCode") or 0),
        health=visible(str((state.get("Health") or {}).get("Status") or "")) if container.checked else "",
        ends=container.ends,
        again=str(state.get("StartedAt") or "") != first.started,
        unserved=unserved,
        left=tuple(sorted(left)),
    )


async def _unserved(container: Container, details: Any, listened: frozenset[int] | None) -> tuple[int, ...]:
    """The container's ports behind which, where they are published, nobody keeps a connection open or says something."""
    bound = (details.get("NetworkSettings") or {}).get("Ports") or {}
    outer = {port: bound.get(f"{port}/tcp") for port in container.ports}
    asked = [(int(places[0]["HostPort"]), port) for port, places in outer.items() if places]
    held = await asyncio.gather(*(served(port, inner, listened) for port, inner in asked))
    well = {inner for (_, inner), one in zip(asked, held, strict=True) if one}
    return tuple(port for port in container.ports if port not in well)


async def _decoys(engine: Any) -> tuple[Probed, ...]:
    """A container that does not exist, a port that is served, one that drops whoever comes."""
    absent, _ = await _ask(engine, Container(_ABSENT), time.perf_counter(), None, 2.0)
    async with _listening(_hold) as held, _listening(_drop) as dropped:
        ports = {"served-port": held, "dropping-port": dropped}
        answers = await kept(ports.values(), _DECOY_PATIENCE)
    looks = {
        name: Contained("running", unserved=() if well else (ports[name],))
        for name, well in zip(ports, answers, strict=True)
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
