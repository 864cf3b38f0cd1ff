"""Containers of a stack, as far as their engine knows them: their first process, what they may hold at most, and what they hold."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, NamedTuple

from certify.api import Service, listening
from certify_checks.load.observing.belongings import Look

_AT_ONCE = 8
_TRIES = 3
_SECONDS = 20
_ELSEWHERE = "its processes cannot be seen from here; the engine does not count them"


class Known(NamedTuple):
    """A container: its first process on this machine (0: it is elsewhere), its ceilings, and its identity."""

    id: str
    pid: int
    ceilings: dict[str, int]
    identity: str


class Engine:
    """Asks the engine of a stack's containers, and a few of them at once: it may take a second for each."""

    def __init__(self, host: str) -> None:
        import docker  # noqa: PLC0415 - stacks without containers need not pay a quarter of a second for it

        self._client: Any = docker.DockerClient(host, timeout=_SECONDS) if host else docker.from_env(timeout=_SECONDS)
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def known(self, services: list[Service]) -> dict[str, Known]:
        """By service; one that the engine does not know is not there."""
        wanted = {service.name: service.container.id for service in services if service.container}
        told = self._pool.map(self._inspected, wanted.values())
        return {name: _known(details) for name, details in zip(wanted, told, strict=True) if details}

    def look(self, containers: Mapping[str, Known]) -> dict[str, Look | None]:
        """What each holds now, as the engine counts it."""
        told = self._pool.map(self._look, containers.values())
        return dict(zip(containers, told, strict=True))

    def _inspected(self, container: str) -> Any:
        # What the engine did not tell in time, under load, is not gone: whoever takes it for that blames a service.
        for _ in range(_TRIES):
            try:
                return self._client.api.inspect_container(container)
            except Exception as error:  # noqa: BLE001 - the SDK, requests and urllib3 raise errors without a common base
                if getattr(error, "status_code", 0) == HTTPStatus.NOT_FOUND:
                    return None
        return None

    def _look(self, known: Known) -> Look | None:
        try:
            stats = self._client.api.stats(known.id, stream=False, one_shot=True)
            # Its engine may have started it again, by the same id.
            identity = _identity(self._client.api.inspect_container(known.id))
        except Exception:  # noqa: BLE001 - see above
            return None
        return counted(identity, stats)

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def counted(identity: str, stats: Mapping[str, Any]) -> Look | None:
    """The engine's statistics: memory without what can be dropped of files, as `docker stats` counts. None: it does not run."""
    told, unknown = stats.get("memory_stats") or {}, dict.fromkeys(("handles", "connections"), _ELSEWHERE)
    if "usage" not in told:
        return None
    details = told.get("stats") or {}
    dropped = details.get("total_inactive_file", details.get("inactive_file", 0))
    held = {"memory": max(0, int(told["usage"]) - int(dropped))}
    # The kernel's count of tasks: each thread is one.
    if (threads := (stats.get("pids_stats") or {}).get("current")) is not None:
        held["threads"] = int(threads)
    else:
        unknown["threads"] = "the engine does not count them"
    return Look(identity, held, unknown)


def _known(details: Mapping[str, Any]) -> Known:
    host, state = details.get("HostConfig") or {}, details.get("State") or {}
    given = {"memory": host.get("Memory"), "threads": host.get("PidsLimit")}
    pid, container = int(state.get("Pid") or 0), str(details["Id"])
    # Whoever may list what its processes listen at sees that they are its own.
    here = pid if pid and listening(pid, container) is not None else 0
    return Known(
        container, here, {kind: int(most) for kind, most in given.items() if most and most > 0}, _identity(details)
    )


def _identity(details: Mapping[str, Any]) -> str:
    return f"{details['Id']}:{(details.get('State') or {}).get('StartedAt')}"
