"""Whether the stack started without errors, port conflicts or restarts, in time, and nothing died since."""

from collections.abc import Iterator

from msgspec.structs import replace

from certify.api import (
    Criteria,
    Finding,
    Happened,
    Limit,
    Location,
    Measurement,
    Outcome,
    Ruling,
    Seeded,
    clip,
    format_quantity,
)
from certify_checks.health.beginning import Beginning, PortTaken, StartLog, asked_of, ready_at
from certify_checks.health.model import HealthObservation

_LOOP = 3
_DECOY = (8, 4, {"deliberate": 1}, 1)
_STOPPED = frozenset({"died", "restarting", "given-up"})


def judge_clean_start(seen: HealthObservation, criteria: Criteria) -> Ruling:
    """Every incident of the start, and every death since that nobody asked for, counts against the limit."""
    start = seen.start
    parts = [part for part in start.parts if criteria.covers(part)] if start else []
    if start is None or not parts:
        return Ruling.inconclusive("no-services", "no start was looked at", cure="declare the stack's services")
    if _blind(start.decoy):
        told = "a planted log was not read rightly: its errors, its allowed line or its port conflict were missed"
        return Ruling.inconclusive("sensor-blind", told, cure="report this as a defect of certify")
    if not start.happened:
        cure = "use a driver that boots the stack itself: only who starts it sees whether it starts cleanly"
        return Ruling.inconclusive("no-events", "nobody watched the stack start", cure=cure)
    logs = [log for log in start.logs if _covers(criteria, log.part, start)]
    findings = tuple(_findings(start, parts, logs, criteria))
    limit = criteria["incidents"]
    held = limit.holds(len(findings))
    if held and (unread := [told for log in logs if (told := unclear(log, start))]):
        told = f"{len(unread)} of {len(logs)} logs say nothing of the start: {'; '.join(unread[:5])}"
        cure = "give the driver the logs of all services, with a time in every line"
        return Ruling.inconclusive("logs-unclear", told, cure=cure, examined=len(parts))
    slowest = max((took for part in parts if (took := _took(start, part)) is not None), default=0)
    lines, allowed = sum(log.lines for log in logs), sum(sum(log.allowed.values()) for log in logs)
    summary = f"{len(findings)} incidents in {len(parts)} starts and {lines} log lines of {len(logs)} parts"
    summary += f", {allowed} error lines allowed" if allowed else ""
    return Ruling(
        Outcome.PASS if held else Outcome.FAIL,
        f"{summary}; the slowest took {format_quantity(slowest, 'us')}",
        examined=len(parts),
        findings=findings,
        measurements=(
            Measurement("incidents", len(findings), limit=limit, samples=len(parts)),
            Measurement("slowest-start", slowest, "us", _budget(start), samples=len(parts)),
        ),
    )


def unclear(log: StartLog, start: Beginning) -> str:
    """Why the absence of errors in a log proves nothing, or its errors may be those of a disturbance; empty: it does."""
    if log.obstacle:
        return f"{log.part}: {log.obstacle}"
    if log.truncated:
        return f"{log.part}: too long to be read to the end of the start"
    if log.errors and _mixed(log, start):
        return f"{log.part}: its lines have no times, and the stack was disturbed on purpose since"
    return ""


def _mixed(log: StartLog, start: Beginning) -> bool:
    """Whether errors of the start cannot be told from those that a check provoked."""
    return not log.timed and asked_of(start.happened)


def _covers(criteria: Criteria, part: str, start: Beginning) -> bool:
    """What all services share, such as the database server, belongs to each control."""
    return criteria.covers(part) or part not in start.parts


def _blind(decoy: StartLog | None) -> bool:
    return decoy is None or (decoy.lines, decoy.errors, decoy.allowed, len(decoy.taken)) != _DECOY


def _budget(start: Beginning) -> Limit:
    return Limit.parse(f"<= {start.budget}")


def _took(start: Beginning, part: str) -> int | None:
    """How long the start of a part took that led to readiness; what a gateway waits for others is not its own."""
    tried = ready_at(start.happened, part)
    if tried is None:
        return None
    others = (ready_at(start.happened, other) for other in start.parts if part == start.gateway != other)
    waited = max((ready for other in others if other for ready in other[1:]), default=0)
    return max(0, tried[1] - max(tried[0], waited))


def _findings(start: Beginning, parts: list[str], logs: list[StartLog], criteria: Criteria) -> Iterator[Finding]:
    told_of = {event.part for event in start.happened if event.state in _STOPPED and not event.asked}
    for part in sorted(told_of):
        if _covers(criteria, part, start):
            yield _stopped(part, [event for event in start.happened if event.part == part and not event.asked])
    for part in parts:
        if part in start.gone and part not in told_of:
            told = (
                f"{part}: its process ended while it was watched, up to {format_quantity(start.watched_us, 'us')} old"
            )
            yield _finding("died", part, told, f"read the log of {part}")
        took = _took(start, part)
        if took is None and part not in told_of:
            last = next((event.state for event in reversed(start.happened) if event.part == part), "not started")
            yield _finding(
                "never-ready", part, f"{part} was never ready: it is {last}", f"ask its ready probe why {part} is not"
            )
        elif took is not None and not _budget(start).holds(took):
            told = f"{part} took {format_quantity(took, 'us')} to be ready, not {_budget(start)}"
            yield _finding("slow-start", part, told, "move work out of the start, or raise `start_budget`", part)
    for log in logs:
        if not _mixed(log, start):
            yield from _in_log(log)


def _stopped(part: str, events: list[Happened]) -> Finding:
    """One finding for all ends of a part, however many there were."""
    states = [event.state for event in events]
    times = max(states.count("died"), states.count("restarting"), 1)
    last = next(
        (event.detail for event in reversed(events) if event.state in _STOPPED and event.detail), "no reason given"
    )
    cure = f"read what {part} said last; it must come up at once, and stay"
    back = "ready" in states[max(i for i, state in enumerate(states) if state in _STOPPED) :]
    if "given-up" in states or times >= _LOOP:
        return _finding("crash-loop", part, f"{part} died {times} times: {clip(last, 600)}", cure, part)
    code = "restarted" if back else "died"
    again = "and came back" if back else "and did not come back"
    return _finding(code, part, f"{part} died {times} times {again}: {clip(last, 600)}", cure, part)


def _in_log(log: StartLog) -> Iterator[Finding]:
    for taken in log.taken:
        port = f"port {taken.port}" if taken.port else "an address"
        told = f"{log.part}: {port} is taken, {_held(taken)}: {taken.line}"
        yield _finding("port-taken", log.part, told, "give each its own port, or let the system pick one", port)
    if log.errors > len(log.taken):
        shown = " | ".join(log.first)
        told = f"{log.part}: {log.errors} error lines from its start until it was ready: {shown}"
        cure = "mend the cause; `allow` takes a pattern with the reason why such a line is no defect"
        yield _finding("errors-at-start", log.part, told, cure, log.part)


def _held(taken: PortTaken) -> str:
    return f"held by {taken.holder}" if taken.holder else "its holder was not found"


def _finding(code: str, part: str, told: str, cure: str, context: str = "") -> Finding:
    return Finding(code, told, location=Location(service=part), cure=cure, context=f"{part} {code} {context}")


def seed_clean_start(seen: HealthObservation, criteria: Criteria) -> Iterator[Seeded[HealthObservation]]:
    """Deaths, restarts, loops, late and slow starts, error lines and taken ports, as many as break the limit."""
    start = seen.start
    names = [part for part in start.parts if criteria.covers(part)] if start else []
    hit = names[: max(1, criteria["incidents"].beyond())]
    if start is None or not hit:
        return

    def happening(*states: str) -> Beginning:
        kept = tuple(event for event in start.happened if event.part not in hit)
        return replace(start, happened=(*kept, *(Happened(part, state) for part in hit for state in states)))

    def logged(**changes: object) -> Beginning:
        spoilt = tuple(replace(StartLog(part, 1), **changes) for part in hit)
        return replace(
            happening("starting", "ready"), logs=(*(log for log in start.logs if log.part not in hit), *spoilt)
        )

    late = tuple(Happened(part, "ready", at_us=_budget(start).beyond()) for part in hit)
    slow = replace(start, happened=tuple(e for e in start.happened if e.part not in hit) + late)
    taken = (PortTaken(80, "pid 1: other", "address already in use"),)
    for name, code, spoilt in (
        ("died once and stays away", "died", happening("starting", "ready", "died")),
        ("died once and came back", "restarted", happening("starting", "ready", "died", "starting", "ready")),
        ("died again and again", "crash-loop", happening(*(["starting", "died"] * 5), "given-up")),
        ("never ready", "never-ready", happening("starting", "listening")),
        ("ready too late", "slow-start", slow),
        ("ended while it was watched", "died", replace(happening("starting", "ready"), gone=tuple(hit))),
        ("one error line before it was ready", "errors-at-start", logged(errors=1, first=("ERROR",))),
        ("a storm of errors", "errors-at-start", logged(errors=100_000, first=("ERROR",))),
        ("its port is taken", "port-taken", logged(errors=1, taken=taken)),
    ):
        yield Seeded(name, replace(seen, start=spoilt), code)
