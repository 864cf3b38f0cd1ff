"""What a boot came to, in words: why services did not come up, and what a reader must know of how the rest did."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from certify.drivers.compose.containers import Containers
from certify.drivers.compose.explain import UNMADE, blamed, explain, root_causes
from certify.drivers.compose.holder import holder
from certify.drivers.compose.project import Part, remapped, scaled_down, shared
from certify.drivers.compose.state import Judged, Seen, State, broken_check, port_taken
from certify.drivers.compose.watch import Watch
from certify.model.escape import visible
from certify.profile.model import StackSpec

_PROGRESS = re.compile(r"\s*(?:Network|Volume|Container|Image) \S+\s+[A-Z][a-z]+$|\s*\S+ (?:Pulling|Pulled)\s*$")
Note = tuple[str, str]
_UNSTARTED = frozenset({*UNMADE, "never-started"})
_WELL = frozenset({State.READY, State.DONE})


class Account:
    """Of one boot, when it has come to its end."""

    def __init__(self, parts: Mapping[str, Part], watch: Watch, containers: Containers) -> None:
        self._parts = parts
        self._watch = watch
        self._containers = containers

    def failures(self, waited: float, said: str) -> dict[str, str]:
        """Root causes with their explanation, then their dependants with whom to blame.

        Args:
            waited: seconds from the start.
            said: by Compose, where it gave up.
        """
        judged = self._watch.judged | self._without_container(said)
        causes = root_causes(self._parts.values(), judged)
        found = {name: self._explained(name, judged.get(name), waited, said) for name in causes}
        for name, part in self._parts.items():
            one = judged.get(name)
            if name not in found and (one is None or one.state not in _WELL):
                found[name] = blamed(part, one, causes, self._parts)
        return found

    def notes(self) -> Iterator[Note]:
        """What was taken for what: a worker that ended by mistake and a job that did its work look alike."""
        for name, part in self._parts.items():
            if self._watch.judged[name].state is State.DONE and not part.awaited:
                told = "ended with exit code 0 and nobody waits for it: it was taken for a one-shot"
                yield "taken-for-one-shot", f"{name} {told}"
            look = self._watch.look_at(name)
            if broken_check(look):
                yield "broken-health-check", f"{name}: its health check cannot run, and says nothing: {_last(look)}"

    def _explained(self, name: str, judged: Judged | None, waited: float, said: str) -> str:
        known = judged or Judged(State.WAITING, "waiting", "there is no container")
        if not known.final:
            known = msgspec.structs.replace(known, why=f"not ready after {waited:.0f} s: {known.why}")
        look = self._watch.look_at(name)
        text = explain(known, look, self._containers.tail(name), self._held(look))
        # Compose is asked where there is no process that could say more.
        return f"{text}\nCompose said:\n{end_of(said)}" if said and known.code in _UNSTARTED else text

    def _held(self, look: Seen) -> str:
        port = port_taken(look.error)
        found = holder(self._containers.client, port) if port else ""
        return f"it is held by {found}" if found else ""

    def _without_container(self, said: str) -> dict[str, Judged]:
        """Services for which no container could be made: then Compose goes on with none of the others either."""
        missing = [part for name, part in self._parts.items() if name not in self._watch.details]
        found = {
            part.name: Judged(State.FAILED, "no-image", f"its image {visible(part.image)} cannot be had", final=True)
            for part in missing
            if part.image and not self._containers.has_image(part.image)
        }
        if found or not said:
            return found
        unmade = Judged(State.FAILED, "no-container", "its container could not be made", final=True)
        return {part.name: unmade for part in missing}


def of_files(
    spec: StackSpec, config: Mapping[str, Any], found: Iterable[str], unset: Iterable[str]
) -> tuple[Note, ...]:
    """What is to be known of how the files are run, before anything is.

    Args:
        spec: the profile's stack.
        config: the files, resolved.
        found: names of the services that are started.
        unset: variables without a value.
    """
    told = {
        "variable-unset": (f"the variable {name} is not set: the files see an empty text" for name in unset),
        "port-remapped": () if spec.keep_ports else remapped(config),
        "scaled-down": scaled_down(config),
        "shared": shared(config),
        "service-undeclared": (
            f"{name} is in the compose files, and not in the profile" for name in undeclared(spec, found)
        ),
    }
    return tuple((code, visible(text)) for code, texts in told.items() for text in texts)


def undeclared(spec: StackSpec, found: Iterable[str]) -> tuple[str, ...]:
    """Services that are started, and that the profile does not name although it names some."""
    named = {service.name for service in spec.services} | ({spec.gateway.name} if spec.gateway else set())
    # The file of a reference stack is made of the profile itself.
    asked = bool(spec.services) and not spec.reference
    return tuple(visible(name) for name in found if asked and name not in named)


def end_of(text: str) -> str:
    """The end of what a command said, harmless, without its progress as long as there is anything else."""
    lines = text.strip().splitlines()
    told = [line for line in lines if not _PROGRESS.match(line)] or lines
    return visible("\n".join(told)[-1_500:], lines=True)


def _last(look: Seen) -> str:
    return look.health_log[-1] if look.health_log else f"exit code {look.health_exit}"
