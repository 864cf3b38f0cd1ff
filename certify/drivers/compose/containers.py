"""The containers of one run, through the Docker SDK. Everything is found by the run's label."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import docker
import docker.errors
import docker.transport
import requests.exceptions
import urllib3.exceptions

from certify.drivers.compose.labels import OWNER, PROJECT_PREFIX, RUN, SERVICE
from certify.drivers.compose.state import Seen
from certify.drivers.interface import EnvironmentUnusableError
from certify.model.escape import visible
from certify.outside import GLANCE, MORE_PATIENCE, PATIENCE, kept, listening

_CURE = "start Docker, or let this user reach it; `docker version` tells"
_TIMEOUT_SECONDS = 20
_LOG_LINES = 30
_BY_SOCKET = "http+docker://"
_AT_ONCE = 6
_HEALTH_RESULTS = 5
# Not the three that each run of a health check is announced by, nor that one was made: they change nothing.
_EVENTS = (*("start", "restart", "die", "oom", "kill", "stop", "pause", "unpause", "destroy", "health_status"),)
_DATED = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_HEAD = 160
# Beside what the engine told of a container: since when that is known.
_LOOKED_AT = "certify.lookedAt"
# What a call raises when the engine is not there, any more or at all; the last, when a stream breaks off in the midst of a chunk.
ENGINE_GONE = (requests.exceptions.RequestException, docker.errors.DockerException, urllib3.exceptions.HTTPError)


def connect(host: str = "") -> docker.DockerClient:
    """A client of the engine at `host`; without one, of that which the user's environment names.

    Raises:
        EnvironmentUnusableError: it does not answer.
    """
    try:
        client = _client(host, timeout=_TIMEOUT_SECONDS)
        client.ping()
    except ENGINE_GONE as error:
        raise EnvironmentUnusableError(
            f"no Docker engine answers: {visible(str(error))[:300]}\ncure: {_CURE}"
        ) from error
    return client


def _client(host: str, timeout: Any) -> docker.DockerClient:
    client = docker.DockerClient(host, timeout=timeout) if host else docker.from_env(timeout=timeout)
    if client.api.base_url.startswith(_BY_SOCKET):
        # No proxy leads to a socket; looking for one in the environment at each question takes 40 % of the question's time.
        client.api.trust_env = False
        made = client.api.get_adapter(_BY_SOCKET)
        if isinstance(made, docker.transport.UnixHTTPAdapter):  # and not by SSH
            client.api.mount(_BY_SOCKET, _OneEngine(made))
    return client


class _OneEngine(docker.transport.UnixHTTPAdapter):
    """Keeps connections for all questions together; the SDK does so for each address, so that each container costs another one."""

    def __init__(self, made: Any) -> None:
        super().__init__(made.socket_path, made.timeout, max_pool_size=made.max_pool_size)

    def get_connection(self, url: Any, proxies: Any = None) -> Any:  # noqa: ARG002 - the address makes no difference here
        return super().get_connection(_BY_SOCKET, proxies)


class Containers:
    """The containers of the run `run_id`. What is followed for ever has a client that never loses patience."""

    def __init__(self, client: docker.DockerClient, run_id: str, host: str = "") -> None:
        self.client = client
        self.streams = _client(host, timeout=None)
        self._terminals: dict[str, bool] = {}
        # The SDK looks at a container each time before it gives a log, only to know whether its process has a terminal.
        self.streams.api.inspect_container = self._terminal_of  # type: ignore[method-assign]  # this client's alone
        self._filter = {"label": f"{RUN}={run_id}"}

    def inspected(self, known: Iterable[dict[str, Any]] = ()) -> dict[str, dict[str, Any]]:
        """What the engine knows of each, by service; a service that was scaled is known by its first.

        Of the `known` ones those are not looked at again that are in the same state.
        """
        found: dict[str, dict[str, Any]] = {}
        same = {(details["Id"], details["State"].get("Status")): details for details in known}
        for summary in self.client.api.containers(all=True, filters=self._filter):
            with contextlib.suppress(docker.errors.NotFound):
                details = same.get((summary["Id"], summary.get("State"))) or self.inspect(summary["Id"])
                found.setdefault(service_of(details), details)
        return found

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of one now.

        Raises:
            docker.errors.NotFound: there is no such container.
        """
        looked_at = datetime.now(UTC)
        details: dict[str, Any] = self.client.api.inspect_container(container)
        return details | {_LOOKED_AT: looked_at}

    def get(self, service: str) -> Any:
        """The container of a service.

        Raises:
            LookupError: it has none.
        """
        wanted = [*([self._filter["label"]]), f"{SERVICE}={service}"]
        containers = self.client.containers.list(all=True, filters={"label": wanted})
        if not containers:
            raise LookupError(f"the service {service!r} has no container")
        return containers[0]

    def events(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """What happens to them from `since` on (seconds since the epoch; 0: now), until the engine ends the stream."""
        chosen = {**self._filter, "type": "container", "event": list(_EVENTS)}
        yield from self.streams.api.events(decode=True, filters=chosen, since=since or None)

    def follow(self, container: str, since: float, *, terminal: bool) -> Iterator[bytes]:
        """The log of a container's process until that ends, from `since` (seconds since the epoch; 0: all of it).

        A line without a time of its own gets the engine's; what is written to a `terminal` has no lines that could be told apart.
        """
        self._terminals[container] = terminal
        chunks = self.streams.api.logs(
            container, stream=True, follow=True, since=since or None, timestamps=not terminal
        )
        for chunk in chunks:
            yield chunk if terminal else timed(chunk)

    def _terminal_of(self, container: Any) -> dict[str, Any]:
        return {"Config": {"Tty": self._terminals[container]}}

    def tail(self, service: str) -> list[str]:
        """The last lines of its log."""
        try:
            raw: bytes = self.get(service).logs(tail=_LOG_LINES)
        except (LookupError, *ENGINE_GONE):
            return []
        return [visible(line) for line in raw.decode(errors="replace").splitlines()]

    def stats(self, container: str) -> dict[str, Any]:
        """What a container has used so far, as the engine counts it."""
        counted: dict[str, Any] = self.client.api.stats(container, stream=False, one_shot=True)
        return counted

    def has_image(self, name: str) -> bool:
        """Whether the engine has an image of that name; True when it cannot tell."""
        try:
            self.client.images.get(name)
        except docker.errors.ImageNotFound:
            return False
        except ENGINE_GONE:
            return True
        return True

    def remove(self) -> list[str]:
        """Remove containers, networks and volumes of the run, and give what could not be removed."""
        return _remove_all(self.client, self._filter)


def timed(line: bytes) -> bytes:
    """A line of a log that the engine has put its time in front of: without that when the line tells a time itself."""
    own = line.partition(b" ")[2]
    return own if own.startswith(b"{") or _DATED.search(own[:_HEAD]) else line


def service_of(details: Mapping[str, Any]) -> str:
    """The service that a container belongs to."""
    labels: Mapping[str, str] = details["Config"].get("Labels") or {}
    return labels.get(SERVICE, "")


def published(details: Mapping[str, Any]) -> dict[int, int]:
    """Container port -> port on loopback."""
    bound: Mapping[str, Any] = (details.get("NetworkSettings") or {}).get("Ports") or {}
    return {
        int(inner.partition("/")[0]): int(outer[0]["HostPort"])
        for inner, outer in bound.items()
        if outer and inner.endswith("/tcp")
    }


async def answered(
    details: Mapping[str, Any], ports: Iterable[int], *, known: bool = False, probed: bool = False
) -> bool | None:
    """Whether each of these ports of a container is served, as far as it is published; None when there is none to ask.

    Args:
        details: what the engine knows of the container.
        ports: as they are numbered inside.
        known: they were a while ago, so that one which the engine's proxy does not drop is served still.
        probed: what is not dropped is asked for more afterwards, so there is no need to see who listens inside.
    """
    bound = published(details)
    asked = [(bound[port], port) for port in ports if port in bound]
    if not asked:
        return None
    outer_ports, inner_ports = zip(*asked, strict=True)
    kept_open = await kept(outer_ports, PATIENCE if known else GLANCE)
    if known or probed or not all(kept_open):
        return all(kept_open)
    listened = listening(int(details["State"].get("Pid") or 0), str(details["Id"]), inner_ports)
    if listened is None:
        return all(await kept(outer_ports, MORE_PATIENCE))
    return listened.issuperset(inner_ports)


def seen(details: Mapping[str, Any], answered: bool | None, at: datetime | None = None) -> Seen:  # noqa: FBT001 - a third state, not a switch
    """One look, out of what the engine knew at that moment; `at` another moment: as if nothing had happened since."""
    state, at = details["State"], at or details[_LOOKED_AT]
    health = state.get("Health") or {}
    results = (health.get("Log") or [])[-_HEALTH_RESULTS:]
    return Seen(
        status=str(state.get("Status") or ""),
        exit_code=int(state.get("ExitCode") or 0),
        oom=bool(state.get("OOMKilled")),
        restarts=int(details.get("RestartCount") or 0),
        running_us=_since(state.get("StartedAt"), at) if state.get("Running") else 0,
        ended_us=_since(state.get("FinishedAt"), at) if state.get("Status") in {"exited", "dead"} else 0,
        error=visible(str(state.get("Error") or "")),
        health="" if health.get("Status") in {None, "none"} else str(health["Status"]),
        health_exit=int(results[-1].get("ExitCode") or 0) if results else 0,
        health_log=tuple(visible(str(result.get("Output") or "").strip())[:300] for result in results),
        answered=answered,
    )


def sweep(client: docker.DockerClient, alive: Any) -> int:
    """Remove what runs of this machine left behind that were killed; `alive(owner)` tells whether a run still lives."""
    dead = {
        labels[RUN]
        for summary in client.api.containers(all=True, filters={"label": OWNER})
        if (labels := summary["Labels"]).get(RUN) and not alive(labels[OWNER])
    }
    for run_id in dead:
        _remove_all(client, {"label": f"{RUN}={run_id}"})
    return len(dead)


def _remove_all(client: docker.DockerClient, which: dict[str, str]) -> list[str]:
    ids = [str(summary["Id"]) for summary in client.api.containers(all=True, filters=which)]
    # One after the other, two dozen take a quarter of a minute.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        left = [told for told in pool.map(partial(_remove, client), ids) if told]
    things: list[Any] = [*client.networks.list(filters=which), *client.volumes.list(filters=which)]
    for thing in things:
        if not thing.name.startswith(PROJECT_PREFIX):
            continue
        try:
            thing.remove()
        except docker.errors.NotFound:
            continue
        except docker.errors.APIError as error:
            left.append(f"{thing.name}: {visible(str(error))}")
    return left


def _remove(client: docker.DockerClient, container: str) -> str:
    """Remove a container; gives why it could not be removed."""
    try:
        client.api.remove_container(container, v=True, force=True)
    except docker.errors.NotFound:
        return ""
    except docker.errors.APIError as error:
        return f"container {container[:12]}: {visible(str(error))}"
    return ""


def _since(started: Any, until: datetime) -> int:
    """Microseconds from an instant as the engine writes it, with nanoseconds, until another."""
    try:
        began = datetime.fromisoformat(str(started))
    except ValueError:
        return 0
    return max(0, int((until - began).total_seconds() * 1_000_000))
