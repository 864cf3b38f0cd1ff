"""Progress of a drill: that of each scene's checks, without the noise of a boot that was seen before."""

from typing import Self

from certify.console.events import BootState, Console, JobEnded, JobProgress, JobStarted, Phase, RunEvent

_TROUBLE = frozenset({"died", "failed", "given-up", "restarting"})


class Quiet:
    """Passes on all but the ordinary states of a boot, and the progress inside of a check."""

    def __init__(self, inner: Console) -> None:
        self._inner = inner

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._inner.__exit__(*args)

    def event(self, event: RunEvent, /) -> None:
        """Take in one event."""
        if isinstance(event, JobProgress | Phase) or (isinstance(event, BootState) and event.state not in _TROUBLE):
            return
        self._inner.event(event)


class Silent(Quiet):
    """Passes on neither the jobs of each round: there are many, and the round itself is told in one line."""

    def event(self, event: RunEvent, /) -> None:
        """Take in one event."""
        if not isinstance(event, JobStarted | JobEnded):
            super().event(event)
