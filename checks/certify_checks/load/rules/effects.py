"""Judges whether each request had its effect exactly once. Pure."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from typing import NamedTuple

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.load.model import EffectSeen, LoadSeen
from certify_checks.load.rules.planting import sound, spread
from certify_checks.load.rules.soundness import unusable

EXACT = Context(prec=100)
"""Amounts of any currency, summed over all entries of a stack, lose nothing in it."""
_MOST = 10**15
_PLANTED = 1000
_CURES = {
    "lost": "find where a request is answered before its effect is stored for good, or where it is undone afterwards",
    "double": "make the operation idempotent: keep the client's key beside the effect, in one transaction, under a unique index",
}
_TOLD = {
    "lost": "of requests that were answered as done, nothing is there",
    "double": "effects are there more than once",
}


class Bounds(NamedTuple):
    """Least and most that can be missing, or be too many."""

    low: int
    high: int


def judge(seen: LoadSeen, criteria: Criteria) -> Ruling:
    """Pass when nothing can be lost or double, fail when something must be; a request without an answer leaves it open."""
    if ruling := unusable(seen) or _nothing(seen):
        return ruling
    done = sum(effect.done for effect in seen.effects)
    measured = tuple(
        Measurement(name, worst.high, limit=criteria[name], interval=(worst.low, worst.high), samples=done)
        for name, worst in ((name, _worst(seen, name)) for name in _TOLD)
    )
    outcomes = [criteria[name].decide(*_worst(seen, name)) for name in _TOLD]
    repeated = sum(effect.repeated for effect in seen.effects)
    summary = f"{done:,} requests, {repeated:,} of them sent twice: {_counted(seen)}"
    if Outcome.FAIL in outcomes:
        return Ruling(Outcome.FAIL, summary, done, findings=tuple(_findings(seen)), measurements=measured)
    if Outcome.INCONCLUSIVE in outcomes:
        unclear = sum(effect.unclear for effect in seen.effects)
        summary += f"; {unclear:,} requests got no right answer and may have had an effect or not"
        cure = "mend what kept requests without a right answer (see the errors of the same load), and measure again"
        return replace(Ruling.inconclusive("effects-unclear", summary, cure=cure, examined=done), measurements=measured)
    if untried := [effect.operation for effect in seen.effects if effect.to_repeat and not effect.repeated]:
        summary += f"; no request of {untried[0]!r} happened to be sent twice"
        ruling = Ruling.inconclusive("never-repeated", summary, cure="lengthen `hold`, or lower `twice`", examined=done)
        return replace(ruling, measurements=measured)
    return Ruling(Outcome.PASS, summary, done, measurements=measured)


def _nothing(seen: LoadSeen) -> Ruling | None:
    """Why nothing can be said of effects."""
    if not seen.effects:
        cure = "give the shape `effects:`, each a query, a path and the operation that leaves it"
        return Ruling.inconclusive("no-effects", "the shape does not say what its requests leave behind", cure=cure)
    for effect in seen.effects:
        if effect.problem:
            summary = f"{effect.name}: {effect.problem}"
            cure = "mend the effect's query and path; it takes $limit and $offset"
            return Ruling.inconclusive("effect-unreadable", summary, cure=cure)
        if not effect.done:
            summary = f"{effect.name}: no request of {effect.operation!r} got a right answer"
            cure = "name an operation of the shape in `of`, and see why its requests fail"
            return Ruling.inconclusive("no-samples", summary, cure=cure)
    return None


def bounds(effect: EffectSeen, name: str) -> Bounds:
    """How many are `lost` or `double`: exactly when traced, as far as the sums tell else."""
    if not effect.adds:
        return Bounds(*((effect.lost if name == "lost" else effect.double),) * 2)
    surplus = grown(effect) - effect.done
    if name == "lost":
        return Bounds(_whole(-surplus), _whole(effect.unclear - surplus))
    return Bounds(_whole(surplus - effect.unclear), _whole(surplus))


def grown(effect: EffectSeen) -> Decimal:
    """By how many requests' worth a sum has grown."""
    with localcontext(EXACT):
        return (Decimal(effect.after) - Decimal(effect.before)) / Decimal(effect.adds)


def _whole(number: Decimal) -> int:
    return max(0, min(int(number.to_integral_value(ROUND_CEILING)), _MOST))


def _worst(seen: LoadSeen, name: str) -> Bounds:
    each = [bounds(effect, name) for effect in seen.effects]
    return Bounds(max(one.low for one in each), max(one.high for one in each))


def _counted(seen: LoadSeen) -> str:
    return ", ".join(
        f"{_range(bounds(effect, 'lost'))} lost and {_range(bounds(effect, 'double'))} double of {effect.name}"
        for effect in seen.effects
    )


def _range(found: Bounds) -> str:
    return f"{found.low:,}" if found.low == found.high else f"{found.low:,} to {found.high:,}"


def _findings(seen: LoadSeen) -> Iterable[Finding]:
    for effect in seen.effects:
        for name, told in _TOLD.items():
            if low := bounds(effect, name).low:
                place = Location(service="gateway", coordinate=effect.operation)
                named = f", such as {', '.join(effect.examples)}" if effect.examples else ""
                message = f"{effect.name}: {low:,} times, {told}{named}{_sums(effect)}"
                yield Finding(f"effect-{name}", message, Severity.CRITICAL, place, _CURES[name], context=effect.name)


def _sums(effect: EffectSeen) -> str:
    if not effect.adds:
        return ""
    return f": {effect.done:,} requests add {effect.adds} each, and the sum went from {effect.before} to {effect.after}"


def seed(seen: LoadSeen, criteria: Criteria) -> Iterable[Seeded[LoadSeen]]:
    """As many lost and double effects as are one too many, traced and as a sum."""
    real = seen.effects[0] if seen.effects else EffectSeen("effects", "operation")
    many = {name: max(1, criteria[name].beyond()) for name in _TOLD}
    clean = replace(real, done=_PLANTED, unclear=0, lost=0, double=0, problem="", examples=())
    grown = {"lost": _PLANTED - many["lost"], "double": _PLANTED + many["double"]}
    for name, count in many.items():
        counted = replace(clean, adds="", **{name: count})
        yield Seeded(f"{count} {name}", _with(seen, counted), f"effect-{name}")
        summed = replace(clean, adds="0.01", before="7.00", after=str(7 + grown[name] * Decimal("0.01")))
        yield Seeded(f"{count} {name} of a sum", _with(seen, summed), f"effect-{name}")


def _with(seen: LoadSeen, effect: EffectSeen) -> LoadSeen:
    return replace(sound(seen), effects=(effect,), operations=(spread(effect.operation, (1000,) * _PLANTED),))
