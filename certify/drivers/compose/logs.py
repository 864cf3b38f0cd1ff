"""Copies the logs of a run's containers to files as they are written, from the first line on and over restarts."""

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from certify.drivers.compose.containers import ENGINE_GONE, Containers

_CHUNK = 1 << 16
_AGAIN_SECONDS = 0.2


class Logs:
    """One file for each service, in `folder`, which must exist. A thread follows each process that runs, and ends with it."""

    def __init__(self, containers: Containers, folder: Path) -> None:
        self._containers = containers
        self._folder = folder
        self._over = threading.Event()
        # By container: the start of the process whose log was followed last, and its end when that log is over.
        self._started: dict[str, str] = {}
        self._ended: dict[str, float] = {}

    def follow(self, name: str, details: Mapping[str, Any]) -> None:
        """Follow the log of a process that was not known yet; call this again whenever the engine may know of another.

        Args:
            name: of the service.
            details: what the engine knows of its container.
        """
        container, started = str(details["Id"]), _started(details)
        if details["State"].get("Status") == "created" or self._started.get(container) == started:
            return
        if container in self._started and container not in self._ended:
            return  # the log of its process before is not at its end yet
        self._started[container] = started
        since, terminal = self._ended.pop(container, 0.0), bool(details["Config"].get("Tty"))
        arguments = (container, self._folder / f"{name}.log", since, terminal)
        threading.Thread(target=self._copy, args=arguments, daemon=True, name=f"log-{name}").start()

    def end(self) -> None:
        """Begin nothing more. What is followed ends with its process."""
        self._over.set()

    def _copy(self, container: str, file: Path, since: float, terminal: bool) -> None:  # noqa: FBT001 - a thread passes it on
        with contextlib.suppress(*ENGINE_GONE, OSError, ValueError), file.open("ab", buffering=0) as target:
            while not self._over.is_set():
                for chunk in self._containers.follow(container, since, terminal=terminal):
                    target.write(chunk[:_CHUNK])
                since = time.time()
                details = self._containers.inspect(container)
                if not details["State"].get("Running") or _started(details) != self._started[container]:
                    self._ended[container] = _finished(details)
                    return
                # It broke off.
                self._over.wait(_AGAIN_SECONDS)


def _started(details: Mapping[str, Any]) -> str:
    return str(details["State"].get("StartedAt") or "")


def _finished(details: Mapping[str, Any]) -> float:
    """When its process ended last, in seconds since the epoch: what the engine got later belongs to the next."""
    try:
        return max(0.0, datetime.fromisoformat(str(details["State"].get("FinishedAt"))).timestamp())
    except ValueError:
        return 0.0
