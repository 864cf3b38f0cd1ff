"""Looking at what the stack uses: it never costs a run its result, nor more than it may."""

import asyncio
import time
from pathlib import Path
from threading import Event

from certify.drill.standing import Standing
from certify.drivers.counting import Counters, Reading
from certify.drivers.endpoints import declared
from certify.drivers.interface import Booted, Driver, Tell
from certify.engine import sampling
from certify.engine.sampling import Sampler
from certify.model.check import Capability, Disruption
from certify.model.resources import Resources
from certify.model.stack import Stack
from certify.profile.model import StackSpec

FEW_US = 20_000


class Counted:
    """A driver that can only be asked what its stack uses: by `usage`."""

    name = "counted"
    capabilities: frozenset[Capability] = frozenset()
    source_root: Path | None = None
    declared: Stack = declared(StackSpec())

    def __init__(self) -> None:
        self.looks = 0
        self.looked = Event()

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        tell  # noqa: B018 - not wanted
        return Booted(self.now(), notes=(spans_to,))

    def now(self) -> Stack:
        return self.declared

    async def gone(self) -> str:
        return ""

    async def disturb(self, disruption: Disruption) -> None:
        raise NotImplementedError(disruption.part)

    def usage(self) -> Reading:
        self.looks += 1
        self.looked.set()
        return Reading({"web": Counters("1", 5)}, FEW_US)

    async def stop(self) -> None:
        self.looked.clear()


class Failing(Counted):
    """Works for a while, and fails."""

    def usage(self) -> Reading:
        super().usage()
        until = time.thread_time_ns() + FEW_US * 1000
        while time.thread_time_ns() < until:
            pass
        raise ValueError("no \x1b[31msuch counter")


class Hanging(Counted):
    """Does not answer until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = Event()

    def usage(self) -> Reading:
        super().usage()
        self.go_on.wait(60)
        return Reading()


async def sampled(driver: Driver, looked: Event) -> Resources:
    sampler = Sampler(driver)
    task = asyncio.create_task(sampler.run())
    assert await asyncio.to_thread(looked.wait, 60)
    for _ in range(3_000):
        if sampler.resources().cost_us:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    return sampler.resources()


def test_a_look_that_fails_is_told_and_costs_what_it_costs():
    driver = Failing()
    seen = asyncio.run(sampled(driver, driver.looked))
    assert seen.cost_us >= FEW_US
    assert seen.missing == r"it could not be read: ValueError: no \x1b[31msuch counter"
    assert sampling.pause_after(FEW_US * 10) > sampling.LEAST_SECONDS


def test_a_look_that_hangs_stops_neither_the_loop_nor_the_end():
    driver = Hanging()

    async def ended() -> bool:
        task = asyncio.create_task(Sampler(driver).run())
        assert await asyncio.to_thread(driver.looked.wait, 60)
        task.cancel()
        await asyncio.wait({task})
        early = not driver.go_on.is_set()
        driver.go_on.set()
        return early and task.cancelled()

    assert asyncio.run(ended())


def test_the_rounds_of_a_drill_look_at_nothing():
    driver = Counted()
    standing = Standing(driver, Booted(driver.now()), 0)
    assert standing.usage().parts == {}
    assert driver.looks == 0
