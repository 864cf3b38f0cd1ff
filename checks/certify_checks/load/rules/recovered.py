"""Judges whether a stack is after a load what it was before: services there and ready, queues empty, read models right. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.load.aftermath import Aftermath, Queue, ServiceAfter
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.soundness import unusable
from certify_checks.replay.rebuild import judge_rebuild, seed_rebuild

_PLANTED = 100
_CURES = {
    "not-ready": "read its log from the end of the load on: what it says that it waits for does not come back by itself",
    "started-again": "read the end of the log of the process that ended: a limit of memory, an exception, a watchdog",
    "waiting": "see why they are not sent: the relay's log, the broker, messages that it refuses",
    "not-taken": "see the consumer's log and its dead letters: a message that it cannot take, or one that it is too slow for",
}


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Fail for what is wrong, inconclusive for what cannot be told, else pass."""
    if ruling := unusable(seen):
        return ruling
    after = seen.aftermath
    if after.missing:
        return Ruling.inconclusive("not-observed", after.missing, cure="observe it anew")
    findings, measured = tuple(_findings(after, criteria)), tuple(_measured(after, criteria))
    rebuilt = judge_rebuild(after.replay, criteria) if after.replay else None
    told = _told(after, rebuilt)
    examined = len(after.services) + len(after.queues)
    if findings or (rebuilt and rebuilt.outcome is Outcome.FAIL):
        findings += rebuilt.findings if rebuilt else ()
        return Ruling(Outcome.FAIL, told, examined, findings=findings, measurements=measured)
    if doubt := _doubt(after):
        reason, why, cure = doubt
        return replace(
            Ruling.inconclusive(reason, f"{why}; {told}", cure=cure, examined=examined), measurements=measured
        )
    if rebuilt and rebuilt.outcome is not Outcome.PASS:
        return replace(rebuilt, measurements=measured)
    return Ruling(Outcome.PASS, told, examined, measurements=measured)


def _doubt(after: Aftermath) -> tuple[str, str, str] | None:  # noqa: PLR0911 - one for each way to know nothing
    """Why no finding means nothing: reason, explanation, cure."""
    if not any(one.probed for one in after.services):
        return "no-services", "no service has a ready probe", "declare the services' probes"
    if strangers := [one.name for one in after.services if not one.known]:
        told = f"the process or container of {len(strangers)} services, such as {strangers[0]}, is not known"
        cure = "let certify boot the stack, on this machine"
        return "not-told-apart", f"{told}, so it may have been started again, or be gone", cure
    if not after.asked:
        return "no-queues", "the profile names neither queues nor read models", "give the load check's options `after:`"
    if wrong := [one for one in after.queues if one.problem]:
        cure = "mend the queries in `after:`, and see that the databases can be reached"
        return "queue-unreadable", f"{_name(wrong[0])}: {wrong[0].problem}", cure
    if "waiting" in after.asked and not any(not one.source for one in after.queues):
        return "no-queues", "no database has the table that `waiting` asks for", "mend the query in `after:`"
    if "consumed" in after.asked and not any(one.new for one in after.queues):
        cure = "let the load write something, and mend the queries in `after:`"
        return "no-messages", "no message came meanwhile, so none could be left", cure
    return None


def _told(after: Aftermath, rebuilt: Ruling | None) -> str:
    ready = sum(one.ready for one in after.services if one.probed)
    probed = sum(one.probed for one in after.services)
    new, left = sum(one.new for one in after.queues), sum(one.left for one in after.queues)
    told = f"{ready} of {probed} services ready {format_quantity(after.took_us, 'us')} after the load"
    told += f"; {left:,} messages left, {new:,} came meanwhile" if after.queues else ""
    return f"{told}; {rebuilt.summary}" if rebuilt else told


def _findings(after: Aftermath, criteria: Criteria) -> Iterable[Finding]:
    for one in after.services:
        if one.probed and not one.ready:
            said = one.error or f"HTTP {one.status}"
            yield _found("not-ready", one.name, f"is not ready after the load: {said}")
        if one.again:
            yield _found("started-again", one.name, "is not the process that it was before the load, or is gone")
    limit = criteria["waiting"]
    for queue in after.queues:
        if not queue.problem and not limit.holds(queue.left):
            within = format_quantity(after.within_us, "us")
            named = f", such as {', '.join(queue.examples)}" if queue.examples else ""
            if queue.source:
                message = (
                    f"{queue.left:,} of {queue.new:,} events of {queue.source} were not taken within {within}{named}"
                )
                yield _found("not-taken", queue.service, message, queue.source)
            else:
                yield _found("waiting", queue.service, f"{queue.left:,} messages still wait to be sent after {within}")


def _found(code: str, service: str, message: str, context: str = "") -> Finding:
    return Finding(code, message, location=Location(service=service), cure=_CURES[code], context=context or code)


def _name(queue: Queue) -> str:
    return f"{queue.service} of {queue.source}" if queue.source else queue.service


def _measured(after: Aftermath, criteria: Criteria) -> Iterable[Measurement]:
    worst = max((one.left for one in after.queues if not one.problem), default=0)
    yield Measurement("waiting", worst, limit=criteria["waiting"], samples=len(after.queues))
    yield Measurement("time until ready and empty", after.took_us, "us")


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Each service not ready, and another process; a message left in each queue; each defect of read models."""
    after = replace(seen.aftermath, missing="", asked=seen.aftermath.asked or ("waiting",))
    services = after.services or (ServiceAfter("a service", probed=True, status=200, known=True),)
    for one in services:
        down = replace(one, probed=True, status=503, again=False)
        yield Seeded(f"{one.name} not ready", _with(seen, replace(after, services=(down,))), "not-ready")
        gone = replace(one, known=True, again=True)
        yield Seeded(f"{one.name} started again", _with(seen, replace(after, services=(gone,))), "started-again")
    count = max(1, criteria["waiting"].beyond())
    for queue in after.queues or (Queue("a service"), Queue("a service", "another")):
        code = "not-taken" if queue.source else "waiting"
        full = replace(queue, left=count, new=max(count, queue.new), problem="")
        yield Seeded(f"{count} left in {_name(queue)}", _with(seen, replace(after, queues=(full,))), code)
    if after.replay:
        for planted in seed_rebuild(after.replay, criteria):
            spoilt = replace(after, replay=planted.observation)
            yield Seeded(f"read models: {planted.name}", _with(seen, spoilt), planted.code)


def _with(seen: LoadSeen, after: Aftermath) -> LoadSeen:
    return replace(sound(seen), aftermath=after, operations=(spread("seeded", (1000,) * _PLANTED),))
