"""Watches the containers of a run: looks at one when the engine tells of it, asks its ports from outside, judges all."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker.errors

from certify.drivers.compose.containers import ENGINE_GONE, Containers, answered, published, seen, service_of
from certify.drivers.compose.explain import in_vain
from certify.drivers.compose.labels import SERVICE
from certify.drivers.compose.logs import Logs
from certify.drivers.compose.project import Part
from certify.drivers.compose.state import Judged, Seen, State, judge
from certify.model.escape import visible
from certify.outside import ready

_TICK = 0.1
# What changes without a word is what time alone brings about.
_UNHEARD_TICK = 0.2
# An event may be lost when the engine is busy: this often the engine is asked for all of them, and what is in another state than
# was heard is looked at; every third time everything is.
_FULL_LOOK_SECONDS = 10.0
_WHOLE_EVERY = 3
# What is not served yet is asked again after this share of the time for which it has been running; what is, now and then.
_ASK_SHARE = 0.05
_ASK_AGAIN_SECONDS = 2.0
_LISTEN_AGAIN_SECONDS = 0.5
# When one service has failed for good the answer is known; what else is wrong is worth this much more waiting.
_GRACE_SECONDS = 10.0
# What only somebody's call to the engine brings about, never the process in the container by itself.
_BY_CALL = frozenset({"kill", "pause", "stop"})

Tell = Callable[[str, Judged], None]


class Watch:
    """Runs from the first container's creation to the run's end. `tell` hears of each change of a judgement.

    Attributes:
        judged: what each service has come to.
        details: what the engine knows of each container.
        lost: why the engine is gone; empty while it is not.
        interference: a call to the engine that ended or paused a container and that was not ours; empty: there was none.
    """

    def __init__(
        self,
        containers: Containers,
        parts: Mapping[str, Part],
        logs: Path,
        tell: Tell,
        ours: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._containers = containers
        self._parts = parts
        self._logs = Logs(containers, logs)
        self._tell = tell
        self._ours = ours
        self._proven: set[str] = set()
        self._started = False
        self._up_ended = False
        self._answered: dict[str, bool | None] = {}
        self._due: dict[str, float] = {}
        self._dirty: set[str] = set()
        self._changed = asyncio.Event()
        self._judged_again = asyncio.Event()
        self._seen: dict[str, tuple[dict[str, Any], Seen]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._over = threading.Event()
        self.judged: dict[str, Judged] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.interference = ""
        self.lost = ""

    def begin(self) -> None:
        """Start watching in the running loop."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop,), daemon=True, name="compose-events").start()
        self._tasks = [asyncio.create_task(self._look()), asyncio.create_task(self._ask())]

    async def end(self) -> None:
        """Stop watching; what is known stays."""
        self._over.set()
        self._logs.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look(self) -> None:
        """Look at all of them anew, and ask their ports again, whatever was known."""
        with contextlib.suppress(*ENGINE_GONE):
            self.details = await asyncio.to_thread(self._containers.inspected)
        # Dicts of their own: what was asked before this moment answers into the old ones.
        self._answered, self._due = {}, {}
        self._proven.clear()
        self._judge_all()

    async def all_started(self) -> None:
        """`docker compose up` has ended: what a look that begins now does not find running was never started."""
        self._up_ended = True
        while not self._started and not self.spoilt:
            self._changed.set()
            await self._judged_again.wait()

    async def settled(self) -> None:
        """Wait until waiting longer can change nothing, or something has failed for good a while ago."""
        failed_at = 0.0
        while not self.spoilt and not self._final():
            failed_at = failed_at or (time.monotonic() if self._failed() else 0.0)
            if failed_at and time.monotonic() - failed_at > _GRACE_SECONDS:
                return
            await self._judged_again.wait()

    async def hopeless(self) -> None:
        """Wait until some service has failed for good and all others have settled or wait for it in vain."""
        while not self.spoilt:
            if self._failed() and not any(self._may_move(part) for part in self._parts.values()):
                return
            await self._judged_again.wait()

    async def startable(self) -> bool:
        """Wait until something that was not started has all that it needs; False when that can never be."""
        while not self.spoilt:
            waiting = [part for name, part in self._parts.items() if self.judged[name].state is State.WAITING]
            if not waiting or all(in_vain(part, self.judged, self._parts) for part in waiting):
                return False
            if any(all(self._is_well(name) for name in part.needs) for part in waiting):
                return True
            await self._judged_again.wait()
        return False

    def _is_well(self, name: str) -> bool:
        found = self.judged.get(name)
        return found is None or found.state in {State.READY, State.DONE}

    def _failed(self) -> bool:
        return any(one.final and one.state is State.FAILED for one in self.judged.values())

    def _may_move(self, part: Part) -> bool:
        """Not judged yet, under way, or waiting for what may still come: its turn may be this very moment."""
        found = self.judged.get(part.name)
        if found is None or found.state is State.STARTING:
            return True
        return found.state is State.WAITING and not in_vain(part, self.judged, self._parts)

    async def gone(self) -> str:
        """Wait until the engine is gone or somebody else interferes, and say so."""
        while not self.spoilt:
            await self._judged_again.wait()
        return self.spoilt

    @property
    def spoilt(self) -> str:
        """Why nothing can be told of the stack any more; empty while it can."""
        return self.lost or self.interference

    async def well(self, service: str) -> None:
        """Wait until a service is ready again, or can never be."""
        while not self.spoilt:
            found = self.judged.get(service)
            if found and (found.final or found.state is State.READY) and not self._dirty:
                return
            await self._judged_again.wait()

    def look_at(self, service: str, at: datetime | None = None) -> Seen:
        """The last look at one service; `at` a later moment: what it would show if nothing had happened since."""
        details = self.details.get(service)
        if details is None:
            return Seen()
        # A port that nobody asked yet is not known to be served: nothing is ready for want of an answer.
        served = self._answered.get(service, False if self._parts[service].ports else None)
        if at:
            return seen(details, served, at)
        kept = self._seen.get(service)
        if kept is None or kept[0] is not details or kept[1].answered is not served:
            kept = self._seen[service] = details, seen(details, served)
        return kept[1]

    def _final(self) -> bool:
        found = self.judged
        if len(found) < len(self._parts):
            return False
        return self._started and all(one.final or one.state is State.READY for one in found.values())

    async def _look(self) -> None:
        due, looks = 0.0, 0
        while not self._over.is_set():
            up_ended = self._up_ended
            try:
                if (now := time.monotonic()) >= due or up_ended is not self._started:
                    known = list(self.details.values()) if looks % _WHOLE_EVERY else ()
                    due, looks = now + _FULL_LOOK_SECONDS, looks + 1
                    self.details = await asyncio.to_thread(self._containers.inspected, known)
                elif self._dirty:
                    await self._look_again()
                self._started = up_ended
            except docker.errors.NotFound:
                pass
            except ENGINE_GONE as error:
                self.lost = f"the Docker engine is gone: {visible(str(error))[:300]}"
            self._judge_all()
            for name, details in self.details.items():
                self._logs.follow(name, details)
            await self._pause()

    async def _pause(self) -> None:
        """Until something changes, but not for long. Python 3.11's `wait_for` may swallow a cancellation: not used."""
        waiting = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({waiting}, timeout=_UNHEARD_TICK)
        finally:
            waiting.cancel()
        self._changed.clear()

    async def _look_again(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for container in dirty:
            with contextlib.suppress(docker.errors.NotFound):
                details = await asyncio.to_thread(self._containers.inspect, container)
                self.details[service_of(details)] = details

    def _judge_all(self) -> None:
        for name, part in self._parts.items():
            now = judge(part, self.look_at(name), started=self._started)
            before = self.judged.get(name)
            self.judged[name] = now
            if before is None or (before.state, before.code) != (now.state, now.code):
                self._tell(name, now)
            self._look_again_if_due(part, now)
        judged, self._judged_again = self._judged_again, asyncio.Event()
        judged.set()

    def _look_again_if_due(self, part: Part, judged: Judged) -> None:
        """What only the passing of time would change is looked at anew: an old look must not grow old into another."""
        if judged.ripens and judged != judge(part, self.look_at(part.name, datetime.now(UTC)), started=self._started):
            self._dirty.add(str(self.details[part.name]["Id"]))

    async def _ask(self) -> None:
        """Ask the ports of what is not known to be served, the others now and then: a process may die under its parent."""
        while not self._over.is_set():
            now = time.monotonic()
            asked = [name for name in self._parts if self._runs(name) and self._due.get(name, 0.0) <= now]
            known, due = self._answered, self._due
            answers = await asyncio.gather(*(self._ask_one(name) for name in asked))
            if any(known.get(name) is not answer for name, answer in zip(asked, answers, strict=True)):
                self._changed.set()
            known.update(zip(asked, answers, strict=True))
            due.update({name: now + self._rest(name) for name in asked})
            await asyncio.sleep(_TICK)

    def _runs(self, name: str) -> bool:
        details = self.details.get(name)
        running = details is not None and details["State"].get("Status") == "running"
        if not running:
            self._answered.pop(name, None)
            self._due.pop(name, None)
            self._proven.discard(name)
        return running

    def _rest(self, name: str) -> float:
        """Seconds until a service is asked again."""
        if self._answered.get(name):
            return _ASK_AGAIN_SECONDS
        return min(_ASK_SHARE * self.look_at(name, datetime.now(UTC)).running_us / 1e6, _ASK_AGAIN_SECONDS)

    async def _ask_one(self, name: str) -> bool | None:
        details, part = self.details.get(name), self._parts[name]
        if details is None:  # removed meanwhile
            return None
        known, unproven = bool(self._answered.get(name)), bool(part.probe) and name not in self._proven
        # An answer to the probe proves more of its port than a look at who listens; nothing else would of the others.
        serves = await answered(details, part.ports, known=known, probed=unproven and len(part.ports) == 1)
        if serves and unproven:
            bound = published(details)
            serves = await ready(next(bound[port] for port in part.ports if port in bound), part.probe)
            if serves:
                self._proven.add(name)
        return serves

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear the engine's events until the watch ends; a stream that breaks off is taken up where it was heard last."""
        since = 0
        while not self._over.is_set():
            with contextlib.suppress(*ENGINE_GONE):
                for event in self._containers.events(since):
                    since = int(event.get("time") or since)
                    if self._over.is_set():
                        return
                    try:
                        loop.call_soon_threadsafe(self._hear, event)
                    except RuntimeError:  # the loop is closed
                        return
            self._over.wait(_LISTEN_AGAIN_SECONDS)

    def _hear(self, event: dict[str, Any]) -> None:
        action = str(event.get("Action", ""))
        if action in _BY_CALL:
            service = str(event.get("Actor", {}).get("Attributes", {}).get(SERVICE, ""))
            if not self.interference and service in self._parts and not self._ours(service):
                self.interference = f"somebody else told the engine to {action} {visible(service)}"
        self._dirty.add(str(event.get("id", "")))
        self._changed.set()
