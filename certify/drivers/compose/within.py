"""How a run reaches what its containers do not publish: by what the compose file tells of itself, and by its door."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from certify.drivers.compose.containers import Containers, published
from certify.drivers.compose.door import Doorkeeper
from certify.drivers.compose.inside import Inside, moved, outside
from certify.drivers.compose.told import read_endpoints
from certify.drivers.endpoints import Endpoints
from certify.model.check import Capability
from certify.model.stack import Service
from certify.outside import HOST

PROFILES = "COMPOSE_PROFILES"
_PROFILE = "certify"


class Within:
    """Of one run; `prepare`, `open`, `read`, in any case `close`."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self._keeper: Doorkeeper | None = None
        self._told = Endpoints()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the file's words allow beyond what containers do."""
        some = set[Capability]()
        if self.inside.endpoints:
            some |= {Capability.LOGIN} | ({Capability.SQL} if self.inside.door else set())
        if self.inside.door and "broker" in self.inside.parts:
            some.add(Capability.KAFKA)
        if self.inside.door and self.inside.door.spans:
            some.add(Capability.SPANS)
        if self.inside.cut:
            some.add(Capability.CUT)
        return frozenset(some)

    @property
    def folder(self) -> Path | None:
        """The folder that the door's container mounts."""
        return self._keeper.folder if self._keeper else None

    def prepare(self, environment: Mapping[str, str], *, spans: bool) -> dict[str, str]:
        """What the compose file must be told beside `environment`; empty when it has no door."""
        if self.inside.door is None:
            return {}
        self._keeper = Doorkeeper(self.inside.door)
        chosen = [name for name in environment.get(PROFILES, "").split(",") if name]
        return {**self._keeper.variables(spans=spans), PROFILES: ",".join([*chosen, _PROFILE])}

    async def open(self, spans_to: str) -> None:
        """Let everybody through the door."""
        if self._keeper:
            await self._keeper.open(spans_to)

    def read(self, containers: Containers, folder: Path) -> None:
        """Take what the stack tells of itself, as soon as it has written it.

        Raises:
            EnvironmentUnusableError: it tells something that cannot be understood.
        """
        if self.inside.endpoints:
            told = read_endpoints(containers, self.inside.endpoints, folder)
            self._told = msgspec.structs.replace(told, parts=self.inside.parts)

    def endpoints(self, details: Mapping[str, Mapping[str, Any]]) -> Endpoints:
        """What the stack tells of itself, with the addresses that its ports have now."""
        return outside(self._told, self.addresses(details))

    def addresses(self, details: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Inner `HOST:PORT` -> that of this machine."""
        ports = {name: published(one) for name, one in details.items()}
        open_to_all = {
            f"{name}:{inner}": f"{HOST}:{outer}" for name, one in ports.items() for inner, outer in one.items()
        }
        return open_to_all | (self._keeper.addresses if self._keeper else {})

    async def close(self) -> None:
        """Close the door."""
        if self._keeper:
            await self._keeper.close()


def outside_probes(inside: Inside, services: Iterable[Service]) -> dict[str, str]:
    """Service -> the path of its ready probe, where that is asked instead of a health check."""
    return {one.name: one.probes.ready for one in services if inside.outside_health and one.probes.ready}


def with_outer_database(service: Service, addresses: Mapping[str, str]) -> Service:
    """A service whose database the profile declares by its inner address; others stay as they are."""
    outer = moved(service.database, addresses)
    return msgspec.structs.replace(service, database=outer) if outer else service
