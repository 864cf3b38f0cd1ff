"""Working off what waits in a table: one piece after the other, and a rest when there is none."""

import asyncio
from collections.abc import Awaitable, Callable

from certify_stack.kit.background import Supervised
from certify_stack.kit.database import AWAY
from certify_stack.kit.errors import UnavailableError


async def work_off(
    carry_out_next: Callable[[], Awaitable[bool]], supervised: Supervised, waker: asyncio.Event, rest_seconds: float
) -> None:
    """Do so for ever; a database that is away is told as trouble and asked again.

    Args:
        carry_out_next: Does one piece that is due; returns whether there was one.
        supervised: Is told after each piece and each rest that this goes on.
        waker: Ends a rest early, because something new waits.
        rest_seconds: How long a rest is otherwise.
    """
    while True:
        trouble, worked = None, False
        waker.clear()
        try:
            worked = await carry_out_next()
        except (UnavailableError, *AWAY) as error:
            trouble = f"{type(error).__name__}: {error}"
        supervised.beat(trouble)
        if not worked:
            await _rest(waker, rest_seconds)


async def _rest(waker: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waker.wait()
    except TimeoutError:
        return
