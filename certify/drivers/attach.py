"""The attach driver: a stack that somebody else started and that certify neither starts nor stops."""

import asyncio
from pathlib import Path

from certify.drivers.counting import Reading
from certify.drivers.endpoints import Endpoints, Told, declared, join
from certify.drivers.interface import Booted, Tell
from certify.model.check import Capability, Disruption, DisruptionRefusedError
from certify.model.stack import Happened, Stack
from certify.profile.model import StackSpec

_GATEWAY = "gateway"


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
        if self._spec.gateway and _GATEWAY in self._spec.targets:
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

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:  # noqa: ARG002 - nothing that certify could tell
        """Nothing is started; whether the targets answer is for the health check to say."""
        for name in self._spec.targets:
            if name != _GATEWAY:
                tell(Happened(name, "attached"))
        return Booted(self.now())

    def now(self) -> Stack:
        """With the profile's addresses."""
        targets = {name: Told(url) for name, url in self._spec.targets.items()}
        gateway = targets.pop(_GATEWAY, None)
        return join(self.declared, Endpoints(targets, gateway))

    async def gone(self) -> str:
        """Never: whether the targets answer is for the health check to say."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def disturb(self, disruption: Disruption) -> None:
        """Refused: nobody gave this driver a way to do it."""
        raise DisruptionRefusedError(f"the {self.name} driver cannot {disruption.do} {disruption.part}")

    def usage(self) -> Reading:
        """Nothing: who did not start the stack cannot see its processes."""
        return Reading(why="certify did not start this stack, and sees only its addresses")

    async def stop(self) -> None:
        """Nothing was started, so nothing is stopped."""
