"""Why services did not come up: the root cause first, not the dependant that gave up. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from certify.drivers.compose.project import Part
from certify.drivers.compose.state import Judged, Seen, State

_CURES = {
    "exited": "see its log for the cause; run its command by hand in its image",
    "crash-loop": "see its log: it fails soon after each start",
    "out-of-memory": "raise its memory limit (`mem_limit`, `deploy.resources.limits.memory`), or make it use less",
    "unhealthy": "see what its health check says; run the check by hand in the container",
    "silent": "let it listen on 0.0.0.0 inside its container, at the port that the file publishes",
    "cannot-start": "mend its command, entry point, mounts or devices in the compose file",
    "starting": "give it more time (`boot_budget`), or a health check that answers sooner",
    "no-image": "mend its name in the compose file, build or load it, or log in to the registry that has it",
    "no-container": "mend what Compose complains of in the compose file",
    "port-taken": "end who holds it, or let certify publish a free one: do without `keep_ports`",
    "paused": "somebody paused it: find out who",
}
# Compose could not even make a container.
UNMADE = frozenset({"no-image", "no-container"})


def root_causes(parts: Iterable[Part], judged: Mapping[str, Judged]) -> tuple[str, ...]:
    """Services that are not well and depend on nothing that is not well; all that are not well in a cycle.

    Nothing is started before all containers are made, so that those that cannot be are the cause of all others.
    """
    bad = {part.name: part for part in parts if not _well(part, judged)}
    if missing := tuple(name for name in bad if (found := judged.get(name)) and found.code in UNMADE):
        return missing
    causes = tuple(name for name, part in bad.items() if not any(other in bad for other in part.needs))
    return causes or tuple(bad)


def explain(judged: Judged, seen: Seen, log: Sequence[str], more: str = "") -> str:
    """Why one service is not well: what it came to, `more` of that, its health check, its last lines, the cure."""
    lines = [judged.why or str(judged.state), *([more] if more else [])]
    if seen.health_log and judged.code in {"unhealthy", "starting", "silent"}:
        lines += ["its last health checks:", *(f"  exit {seen.health_exit}: {said}" for said in seen.health_log[-3:])]
    if cure := _CURES.get(judged.code):
        lines.append(f"cure: {cure}")
    if log:
        lines += [f"the last {len(log)} lines of its log:", *(f"  {line}" for line in log)]
    return "\n".join(lines)


def blamed(part: Part, judged: Judged | None, causes: Sequence[str], parts: Mapping[str, Part]) -> str:
    """What a dependant is told: what it came to, and which service further down is to blame."""
    came_to = (
        "not started"
        if judged is None or judged.state is State.WAITING or judged.code == "never-started"
        else judged.why
    )
    to_blame = [name for name in _below(part, parts, set()) if name in causes]
    if not to_blame and came_to == "not started":
        return f"not started, as nothing was: see {', '.join(causes)}"
    return f"{came_to}: it depends on {', '.join(to_blame)}" if to_blame else came_to


def in_vain(part: Part, judged: Mapping[str, Judged], parts: Mapping[str, Part]) -> bool:
    """Whether something that it depends on, however far down, has failed for good."""
    below = (judged.get(name) for name in _below(part, parts, set()))
    return any(one is not None and one.final and one.state is State.FAILED for one in below)


def _below(part: Part, parts: Mapping[str, Part], passed: set[str]) -> Iterable[str]:
    for name in part.needs:
        if name not in passed and name in parts:
            passed.add(name)
            yield name
            yield from _below(parts[name], parts, passed)


def _well(part: Part, judged: Mapping[str, Judged]) -> bool:
    found = judged.get(part.name)
    if found is None:
        return False
    return found.state in {State.READY, State.DONE} and (not part.awaited or found.state is State.DONE)
