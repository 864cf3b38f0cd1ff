"""Judges how much slower one version is than another that was under the same load in the same run. Pure."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from certify.api import Criteria, Finding, Limit, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.load.model import LoadSeen, OperationSeen
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.soundness import P95, ROOM, unsound_within, unusable
from certify_checks.load.statistics.intervals import MILLION, percentile
from certify_checks.load.statistics.ratio import FEWEST_BLOCKS, SMALLEST, Ratio, Timed, ratio

_PLANTED = 2000
_LONGER = "lengthen `hold`, or add users"
_CURE = "look at what changed between the versions in the slowest operations"
_BROKEN = "see why that version fails: one that does not answer makes any other look quick"
_NO_PEER = "name a stack of `peers:` in `with: {compare: ...}`, and see in the ledger why it did not come up"


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass or fail only when both ends of the interval agree. Noise of the machine meets both versions alike."""
    # That each stack got half of the load is what makes them comparable.
    if ruling := unusable(replace(seen, compared="")):
        return ruling
    if not seen.peer:
        return Ruling.inconclusive("no-peer", f"there is no stack {seen.compared!r} to compare with", cure=_NO_PEER)
    own, other = _timed(seen, seen.operations), _timed(seen, seen.peer)
    found = ratio(own, other, P95)
    if found is None:
        wanted = FEWEST_BLOCKS * SMALLEST
        summary = f"{len(own)} and {len(other)} requests are too few to compare: {wanted} of each are needed"
        return Ruling.inconclusive("too-few-samples", summary, cure=_LONGER, examined=seen.requests)
    ruling = _ruled(seen, criteria["ratio"], found, own, other)
    excused = _flattered(seen, criteria["ratio"], own, other) if ruling.outcome is Outcome.PASS else None
    return replace(excused, measurements=ruling.measurements) if excused else ruling


def _flattered(seen: LoadSeen, limit: Limit, own: Sequence[Timed], other: Sequence[Timed]) -> Ruling | None:
    """Why this version may only seem quick enough; None when it does not."""
    # What the instrument adds, it adds to both, which brings any ratio nearer to 1.
    room_us = min(percentile(sorted(took for _, took in times), P95) for times in (own, other)) // ROOM
    if ruling := unsound_within(seen, room_us):
        return ruling
    right = sorted(pair for one in seen.peer for pair in zip(one.began_us, one.answered, strict=True))
    found = ratio(own, right, P95)
    if found is not None and limit.decide(found.low, found.high) is Outcome.PASS:
        return None
    summary = f"{len(other) - len(right):,} of {len(other):,} requests to {seen.compared} had no right answer"
    return Ruling.inconclusive("peer-fails", summary, cure=_BROKEN, examined=len(own) + len(other))


def _ruled(seen: LoadSeen, limit: Limit, found: Ratio, own: Sequence[Timed], other: Sequence[Timed]) -> Ruling:
    outcome = limit.decide(found.low, found.high)
    count = len(own) + len(other)
    measured = Measurement("ratio", found.value, "ppm", limit, (found.low, found.high), count)
    each = [
        Measurement(name, percentile(sorted(took for _, took in times), P95), "us", samples=len(times))
        for name, times in (("p95 of this version", own), (f"p95 of {seen.compared}", other))
    ]
    value, low, high = (format_quantity(part, "ppm") for part in found)
    told = f"this version's p95 is {value} [{low}, {high}] of that of {seen.compared}"
    summary = f"{told} over {count:,} requests in turns, limit {limit}"
    if outcome is Outcome.INCONCLUSIVE:
        ruling = Ruling.inconclusive("interval-straddles", summary, cure=_LONGER, examined=count)
    else:
        place = Location(service="gateway")
        slower = Finding("slower-than-peer", summary, location=place, cure=_CURE, context=seen.compared)
        ruling = Ruling(outcome, summary, count, findings=(slower,) if outcome is Outcome.FAIL else ())
    return replace(ruling, measurements=(measured, *each))


def _timed(seen: LoadSeen, operations: tuple[OperationSeen, ...]) -> list[Timed]:
    """What had no right answer counts as if it had taken the time-out."""
    moments = replace(seen, operations=operations).moments()
    longest = max([seen.timeout_us, *(one.took_us or 0 for one in moments)])
    return [(one.began_us, longest if one.took_us is None else one.took_us) for one in moments]


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """Everything too slow, and only the slowest tenth."""
    limit = criteria["ratio"]
    base = 100_000
    times = limit.value / MILLION
    slow = round(base * times * 1.5) + 1
    if limit.holds(limit.beyond() + MILLION):  # a limit that asks for slowness: plant what it does not want
        slow = round(base * times / 2)
    few = max(base, slow)

    def planted(own: list[int], other: list[int]) -> LoadSeen:
        peer = (spread("seeded", other),)
        return replace(sound(seen), operations=(spread("seeded", own),), peer=peer, compared=seen.compared or "peer")

    yield Seeded("all requests too slow", planted([slow] * _PLANTED, [base] * _PLANTED), "slower-than-peer")
    tenth, rest = _PLANTED // 10, _PLANTED * 9 // 10
    own, other = [base // 2] * rest + [slow] * tenth, [base // 2] * rest + [base] * tenth
    if few == slow:
        yield Seeded("a tenth of them too slow", planted(own, other), "slower-than-peer")
