"""Looks again and again at what the stack uses, at a price that is bounded and told."""

import asyncio
import time
from typing import Final

from certify.drivers.counting import Reading
from certify.drivers.interface import Driver
from certify.engine.tally import Tally
from certify.engine.timing import now_us
from certify.model.escape import visible
from certify.model.resources import Resources

_FIRST_SECONDS: Final = 1.0
LEAST_SECONDS: Final = 2.0
# The pause after a look, as a multiple of the processor time that it took: at most one part in a hundred of one core.
SPARING: Final = 99


class Sampler:
    """Of one run; `run` until it is cancelled, then `resources`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._tally = Tally()

    async def run(self) -> None:
        """Look for ever."""
        pause = _FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            reading = await asyncio.to_thread(self._look)
            self._tally.add(now_us(), reading)
            pause = pause_after(reading.cost_us)

    def resources(self) -> Resources:
        """What was seen so far."""
        return self._tally.resources()

    def _look(self) -> Reading:
        began = time.thread_time_ns()
        try:
            return self._driver.usage()
        except Exception as error:  # noqa: BLE001 - what cannot be measured must not cost the run its result
            # It costs as much as a look that succeeds, and must be as rare.
            cost = (time.thread_time_ns() - began) // 1000
            return Reading(
                cost_us=cost, why=f"it could not be read: {visible(f'{type(error).__name__}: {error}')[:200]}"
            )


def pause_after(cost_us: int) -> float:
    """Seconds until the next look, after one that took `cost_us` of processor time."""
    return max(LEAST_SECONDS, cost_us * SPARING / 1e6)
