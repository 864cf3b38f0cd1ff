"""The embedded driver on the real stack: what it does to a part, and what it hears of it."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from certify.api import Action, Disruption, DisruptionRefusedError

pytestmark = pytest.mark.stack
Start = Callable[..., AbstractContextManager[Any]]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=1) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as refused:
        # An answer like any other, which must be closed.
        refused.close()
        return False
    except OSError:
        return False


def answers_soon(url: str, *, wanted: bool = True) -> bool:
    """Whether it comes to that, on a machine that may be busy with other tests."""
    deadline = time.monotonic() + 60
    while answers(url) is not wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return answers(url) is wanted


def test_a_service_is_killed_and_comes_back_on_its_port(running: Start) -> None:
    with running() as run:
        assert run.booted.failures == {}
        before = run.stack.service("finance")
        assert before.url
        assert run.stack.parts["gateway"] == "gateway"
        asyncio.run(run.disrupt(Disruption(Action.KILL, "finance")))
        assert not answers(before.url)
        asyncio.run(run.disrupt(Disruption(Action.RESTART, "finance")))
        after = run.stack.service("finance")
        assert answers_soon(after.url)
        assert after.url == before.url
        assert after.pid != before.pid
        told = [event for event in run.stack.happened if event.part == "finance"]
        states = [event.state for event in told]
        assert states.index("ready") < states.index("died") < len(states) - 1
        assert states[-1] == "ready"
        assert all(event.asked for event in told[states.index("died") :])


def test_what_every_part_used_is_read_with_all_that_it_started(running: Start) -> None:
    with running() as run:
        reading = run.driver.usage()
        names = {"postgres", "kafka", "gateway", "finance", "auth"}
        assert names <= reading.parts.keys()
        used = {name: reading.parts[name] for name in names}
        assert all(one.cpu_us > 0 and one.memory > 1 << 20 and one.block_read is not None for one in used.values())
        assert all(one.network_in is None for one in used.values())
        assert "network" in reading.unknown
        asyncio.run(run.disrupt(Disruption(Action.KILL, "finance")))
        assert run.driver.usage().parts["finance"] is None


def test_two_parts_are_disturbed_at_once(running: Start) -> None:
    async def both(run: Any, do: Action) -> None:
        await asyncio.gather(*(run.disrupt(Disruption(do, part)) for part in ("crm", "hr")))

    with running() as run:
        urls = [run.stack.service(name).url for name in ("crm", "hr")]
        asyncio.run(both(run, Action.PAUSE))
        assert not any(answers(url) for url in urls)
        asyncio.run(both(run, Action.RESUME))
        assert all(answers_soon(url) for url in urls)


def test_what_the_launcher_cannot_do_is_refused(running: Start) -> None:
    with running() as run, pytest.raises(DisruptionRefusedError, match="nobody"):
        asyncio.run(run.disrupt(Disruption(Action.KILL, "nobody")))


def test_a_launcher_that_is_gone_is_told_and_refuses(running: Start, tmp_path: Any) -> None:
    with running() as run:
        endpoints = json.loads((tmp_path / "stack" / "endpoints.json").read_text())
        run.driver._launcher._process.kill()
        why = asyncio.run_coroutine_threadsafe(run.driver.gone(), run._loop).result(timeout=60)
        assert why.startswith("the stack's launcher ended")
        with pytest.raises(DisruptionRefusedError, match="gone"):
            asyncio.run(run.disrupt(Disruption(Action.KILL, "finance")))
        assert answers_soon(endpoints["services"]["finance"]["url"], wanted=False)
