"""Judges how long it takes until work that was accepted is finished: the same percentile and interval as of answers. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from certify.api import Criteria, Limit, Measurement, Ruling, Seeded, format_quantity
from certify_checks.load.generator.outcomes import UNFINISHED
from certify_checks.load.model import Finishing, LoadSeen
from certify_checks.load.rules.latency import decided
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.schedule import missing
from certify_checks.load.rules.soundness import ROOM, unusable

NAME = "finished-p95"
_PLANTED = 2000


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """As for answers; work that failed, was never accepted or not finished in time counts as a time-out."""
    limit, finishing = criteria[NAME], seen.finishing
    if ruling := unusable(seen) or missing(seen) or nothing(seen) or _seldom(finishing, limit):
        return ruling
    # A time-out is beyond the limit, however short `within` is.
    timeout_us = max(finishing.within_us, limit.beyond())
    ruling = decided(replace(seen, operations=finishing.operations, timeout_us=timeout_us), NAME, limit)
    return replace(ruling, measurements=(*ruling.measurements, *polled(finishing)))


def nothing(seen: LoadSeen) -> Ruling | None:
    """Why nothing can be said of finished work."""
    finishing = seen.finishing
    if not finishing.operations:
        cure = "give an operation of the shape `finish:`, a query that tells the state of what was asked for"
        return Ruling.inconclusive("nothing-to-finish", "no operation of the shape says how its work ends", cure=cure)
    if idle := [one.name for one in finishing.operations if not one.answered and not one.failures]:
        summary = f"no request of {idle[0]!r} fell into the measured window"
        return Ruling.inconclusive("no-samples", summary, cure="lengthen `hold`, or raise the operation's weight")
    return None


def _seldom(finishing: Finishing, limit: Limit) -> Ruling | None:
    """Why times were read too roughly; None when they were not."""
    if finishing.every_us <= limit.value // ROOM:
        return None
    every, allowed = (format_quantity(one, "us") for one in (finishing.every_us, limit.value // ROOM))
    summary = f"work was asked for each {every}; {allowed} (a tenth of the limit) is allowed"
    return Ruling.inconclusive("asked-too-seldom", summary, cure="lower `every` of the operation's `finish`")


def polled(finishing: Finishing) -> Iterable[Measurement]:
    """How often it was asked, for people."""
    yield Measurement("times it was asked whether work is finished", finishing.polls)
    if finishing.deaf:
        yield Measurement("of these without a right answer", finishing.deaf)


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Everything finished too late, a slow tenth, and a tenth that is never finished; all by a sound instrument."""
    limit = criteria[NAME]
    slow, fast = limit.beyond(), max(1, limit.value // 2)
    most = _PLANTED * 9 // 10
    code = f"{NAME}-over-limit"
    yield Seeded("all work finished too late", _planted(seen, [slow] * _PLANTED, {}), code)
    yield Seeded("a tenth finished too late", _planted(seen, [fast] * most + [slow] * (_PLANTED - most), {}), code)
    yield Seeded("a tenth never finished", _planted(seen, [fast] * most, {UNFINISHED: _PLANTED - most}), code)


def _planted(seen: LoadSeen, finished: list[int], failed: dict[str, int]) -> LoadSeen:
    work = Finishing((spread("seeded", finished, failed),), within_us=seen.finishing.within_us)
    answered = (spread("seeded", (1000,) * _PLANTED),)
    return replace(sound(seen), operations=answered, finishing=work)
