"""The attach driver: a stack that somebody else started and that certify neither starts nor stops."""

from collections.abc import Callable
from pathlib import Path

from certify.drivers.endpoints import Endpoints, Told, declared, join
from certify.drivers.interface import Booted, BootEvent
from certify.model.check import Capability, Disruption, DisruptionRefusedError
from certify.model.stack import Stack
from certify.profile.model import StackSpec


class AttachDriver:
    """Looks at the addresses in `spec.targets`; nothing may be broken unless the profile says disposable."""

    name = "attach"

    def __init__(self, spec: StackSpec, base: Path) -> None:
        self._spec = spec
        self._base = base

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What addresses alone allow; SQL where every database is declared."""
        some = {Capability.HTTP, Capability.EXCLUSIVE}
        if any(service.graphql for service in self._spec.services):
            some.add(Capability.GRAPHQL)
        if self._spec.gateway and "gateway" in self._spec.targets:
            some.add(Capability.GATEWAY)
        if any(service.database for service in self._spec.services):
            some.add(Capability.SQL)
        if self._spec.source:
            some.add(Capability.SOURCE)
        if self._spec.disposable:
            some.add(Capability.DISPOSABLE)
        return frozenset(some)

    @property
    def source_root(self) -> Path | None:
        """The profile's `source`, relative to the profile's folder."""
        return (self._base / self._spec.source).resolve() if self._spec.source else None

    @property
    def declared(self) -> Stack:
        """As the profile says."""
        return declared(self._spec)

    async def start(self, tell: Callable[[BootEvent], None]) -> Booted:
        """Nothing is started; whether the targets answer is for the health check to say."""
        targets = {name: Told(url) for name, url in self._spec.targets.items()}
        gateway = targets.pop("gateway", None)
        for name in targets:
            tell(BootEvent(name, "attached"))
        return Booted(join(self.declared, Endpoints(targets, gateway)))

    async def disturb(self, disruption: Disruption) -> None:
        """Refused: nobody gave this driver a way to do it."""
        raise DisruptionRefusedError(f"the {self.name} driver cannot {disruption.do} {disruption.part}")

    async def stop(self) -> None:
        """Nothing was started, so nothing is stopped."""
