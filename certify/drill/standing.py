"""A stack that is up already, as one round of checks sees it, and the folder for that round."""

from pathlib import Path

import msgspec

from certify.drivers.counting import Reading
from certify.drivers.interface import Booted, Driver, Tell
from certify.engine.workspace import Workspace
from certify.model.check import DISTURBS, Capability, Disruption, DisruptionRefusedError
from certify.model.stack import Stack


class Standing:
    """The driver of a stack that stands. Of what happened to it there is only the boot, and what came since `since`."""

    def __init__(self, inner: Driver, booted: Booted, since: int) -> None:
        self._inner = inner
        self._booted = booted
        self._since = since
        self.name = inner.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """As the driver's, but that nobody may disturb the stack beside the drill."""
        return self._inner.capabilities - DISTURBS

    @property
    def source_root(self) -> Path | None:
        """As the driver's."""
        return self._inner.source_root

    @property
    def declared(self) -> Stack:
        """As the driver's."""
        return self._inner.declared

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:  # noqa: ARG002 - it was started before
        """Nothing is started: it stands."""
        return msgspec.structs.replace(self._booted, stack=self.now(), notes=())

    def now(self) -> Stack:
        """The stack, as if what the drill does to it had come by itself: that is how its controls must see it."""
        stack = self._inner.now()
        since = (msgspec.structs.replace(event, asked=False) for event in stack.happened[self._since :])
        return msgspec.structs.replace(stack, happened=(*self._booted.stack.happened, *since))

    async def gone(self) -> str:
        """As the driver's."""
        return await self._inner.gone()

    async def disturb(self, disruption: Disruption) -> None:
        """Refused: only the drill disturbs."""
        raise DisruptionRefusedError(f"a drill is under way: {disruption.do} {disruption.part} is refused")

    def usage(self) -> Reading:
        """Nothing: no record is made of a round, and rounds that follow each other would each look anew."""
        return Reading(why="nobody looks while a drill is under way")

    async def stop(self) -> None:
        """Nothing is stopped: the drill takes it down."""


class Corner(Workspace):
    """A part of a guarded workspace for one round: its evidence stays there."""

    def __init__(self, whole: Workspace, name: str) -> None:
        # Not the constructor of a whole workspace: that would sweep, and be guarded, a second time.
        self.out, self.guardian = whole.out, whole.guardian
        self.staging = self.evidence = whole.evidence / name
        self.scratch = whole.scratch / "rounds" / name
        self.stack, self.spans = whole.stack, whole.spans
        self._jobs: set[str] = set()
        self.evidence.mkdir()
