"""Counts what the requests of a load left behind in the stack."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from functools import partial
from typing import Any

import httpx
import msgspec

from certify.api import Context
from certify_checks.http import GATEWAY, Client, LoginError, describe
from certify_checks.load.config import Effect
from certify_checks.load.generator.tally import DIGITS
from certify_checks.load.model import EffectSeen
from certify_checks.load.observing.reading import Sent
from certify_checks.load.rules.effects import EXACT, grown
from certify_checks.variables import at_path

PAGE = 100
MOST = 100_000
READS, APART = 5, 2.0  # what is worked off later may appear seconds after the answer
_EXAMPLES = 5
_LARGEST = 10**30  # with it, the sum of as many entries as are read is exact in `EXACT`
_NOBODY = Sent()

Look = Callable[[], Awaitable[EffectSeen]]


class CountError(RuntimeError):
    """What is there could not be read; the message says why."""


async def sums(ctx: Context, effects: Mapping[str, Effect]) -> dict[str, str]:
    """The sum of each effect that is one, as a decimal number, before the load; what cannot be read is left out."""
    found: dict[str, str] = {}
    async with Client(ctx) as client:
        for name, effect in effects.items():
            if effect.adds:
                try:
                    found[name] = str(_sum(await _values(client, effect)))
                except CountError:
                    continue
    return found


async def count(
    ctx: Context, effects: Mapping[str, Effect], sent: Mapping[str, Sent], before: Mapping[str, str]
) -> tuple[EffectSeen, ...]:
    """Look at each effect until nothing is missing, or as often as is worth it; then once more: a second effect may come late."""
    async with Client(ctx) as client:
        looks = [
            partial(_look, client, name, effect, sent.get(effect.of, _NOBODY), before.get(name, ""))
            for name, effect in effects.items()
        ]
        for look in looks:
            await _settled(look)
        await asyncio.sleep(APART)
        return tuple([await look() for look in looks])


async def _settled(look: Look) -> None:
    for _ in range(READS):
        told = await look()
        if told.problem or not unsettled(told):
            return
        await asyncio.sleep(APART)


async def _look(client: Client, name: str, effect: Effect, sent: Sent, before: str) -> EffectSeen:
    seen = EffectSeen(name, effect.of, len(sent.done), len(sent.unclear), sent.repeated, adds=effect.adds)
    try:
        values = await _values(client, effect)
        return summed(seen, values, before) if effect.adds else traced(seen, values, sent)
    except CountError as error:
        return msgspec.structs.replace(seen, problem=str(error))


async def _values(client: Client, effect: Effect) -> list[Any]:
    try:
        token = await client.token(effect.role)
        found: list[Any] = []
        for offset in range(0, MOST, PAGE):
            answer = await client.graphql(GATEWAY, effect.query, {"limit": PAGE, "offset": offset}, token)
            if not answer.ok:
                raise CountError(answer.complaint)
            found += at_path(answer.data, effect.path)
            # Entries of the page, whatever each of them holds.
            if len(at_path(answer.data, effect.path.partition(".")[0])) < PAGE:
                return found
    except (httpx.HTTPError, LoginError) as error:
        raise CountError(describe(error)) from error
    raise CountError(f"there are {MOST:,} entries and more at {effect.path}")


def unsettled(seen: EffectSeen) -> bool:
    """Whether something is still missing that may yet come."""
    if not seen.adds:
        return seen.lost > 0
    return grown(seen) < seen.done


def traced(seen: EffectSeen, values: list[Any], sent: Sent) -> EffectSeen:
    """Hold the unique numbers in `values` against the requests that were sent."""
    pattern = re.compile(rf"{re.escape(sent.run)}[0-9a-f]{{{DIGITS}}}") if sent.run else None
    found = Counter(number for value in values for number in (pattern.findall(str(value)) if pattern else ()))
    lost = sorted(number for number in sent.done if not found[number])
    double = sorted(number for number, times in found.items() if times > 1)
    surplus = sum(found[number] - 1 for number in double)
    examples = tuple((lost + double)[:_EXAMPLES])
    return msgspec.structs.replace(seen, lost=len(lost), double=surplus, examples=examples)


def summed(seen: EffectSeen, values: list[Any], before: str) -> EffectSeen:
    """Add the sum of `values` to what is known.

    Raises:
        CountError: something is no number, or the sum before the load could not be read.
    """
    if not _number(seen.adds):
        raise CountError(f"`adds: {seen.adds}` is not a number other than 0")
    after = _sum(values)
    if not before:
        raise CountError("the sum before the load could not be read")
    return msgspec.structs.replace(seen, before=before, after=str(after))


def _sum(values: list[Any]) -> Decimal:
    with localcontext(EXACT):
        return sum(map(_number, values), Decimal(0))


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise CountError(f"{str(value)[:100]!r} is not a number")
    if abs(number) >= _LARGEST:
        raise CountError(f"{str(value)[:100]!r} is more than an amount can be")
    return number
