"""Does things to the containers of a run: kill, pause, restart, take from the network, fill the disk, and give back."""

from collections.abc import Mapping, Sequence
from typing import Any

from certify.drivers.compose import disks
from certify.drivers.compose.containers import ENGINE_GONE, Containers
from certify.drivers.compose.inside import Line
from certify.model.check import Action, Disruption, DisruptionRefusedError
from certify.model.escape import visible

NETWORK = "network"
_STOP_SECONDS = 3


class Disturber:
    """Remembers what it took away, to give back the same: a container's networks with its names in them."""

    def __init__(self, containers: Containers, lines: Mapping[str, Line]) -> None:
        self._containers = containers
        self._lines = lines
        self._taken: dict[str, dict[str, Any]] = {}

    def do(self, disruption: Disruption) -> None:
        """Do it; returns when the engine has done it.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        try:
            if (line := self._lines.get(disruption.of)) and disruption.do in {Action.CUT, Action.MEND}:
                self._run(line, line.cut if disruption.do is Action.CUT else line.mend, disruption)
                return
            container = self._containers.get(disruption.part)
            if disruption.of == disks.DISK:
                self._room(container, disruption)
                return
            match disruption.do:
                case Action.KILL:
                    container.kill()
                case Action.PAUSE:
                    container.pause()
                case Action.RESUME:
                    container.unpause()
                case Action.RESTART:
                    container.restart(timeout=_STOP_SECONDS)
                case Action.CUT:
                    self._cut(container, disruption)
                case Action.MEND:
                    self._mend(container, disruption)
        except (LookupError, *ENGINE_GONE) as error:
            told = visible(str(error))[:300]
            raise DisruptionRefusedError(f"cannot {disruption.do} {disruption.part}: {told}") from error

    def _run(self, line: Line, words: Sequence[str], disruption: Disruption) -> None:
        command = [word.replace("{service}", disruption.part) for word in words]
        code, output = self._containers.get(line.where).exec_run(command, user=line.user)
        if code:
            told = visible(output.decode(errors="replace"))[:300]
            raise DisruptionRefusedError(f"cannot {disruption.do} {disruption.part}: {line.where} says: {told}")

    def _room(self, container: Any, disruption: Disruption) -> None:
        """Leave no room on the container's small disks, or give it back."""
        found = disks.small(container.attrs)
        if not found:
            raise DisruptionRefusedError(f"{disruption.part} has no tmpfs with a limit of 256 MiB at most to fill")
        if disruption.do is Action.MEND and not container.attrs["State"].get("Running"):
            # What is in memory goes with the container's process, and the next one begins with an empty disk.
            return
        for path, size in found.items():
            words = disks.filling(path, size) if disruption.do is Action.CUT else disks.clearing(path)
            code, output = container.exec_run(words, user="0")
            if code:
                told = visible(output.decode(errors="replace"))[:300]
                raise DisruptionRefusedError(
                    f"cannot {disruption.do} {path} of {disruption.part}: exit code {code}: {told}"
                )

    def _cut(self, container: Any, disruption: Disruption) -> None:
        if disruption.of not in {"", NETWORK}:
            raise DisruptionRefusedError(
                f"containers are cut from their network, not from {disruption.of!r} alone: pause that part instead"
            )
        networks: dict[str, Any] = container.attrs["NetworkSettings"]["Networks"]
        self._taken[disruption.part] = networks
        for name in networks:
            self._containers.client.networks.get(name).disconnect(container, force=True)

    def _mend(self, container: Any, disruption: Disruption) -> None:
        for name, settings in self._taken.pop(disruption.part, {}).items():
            # The short id is given anew by the engine; the service's own name is what others call it by.
            aliases = [alias for alias in settings.get("Aliases") or () if not container.id.startswith(alias)]
            self._containers.client.networks.get(name).connect(container, aliases=aliases)
