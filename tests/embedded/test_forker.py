"""The launcher's side of the services' parent, with a parent that answers as it is told."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certify_stack.embedded.forker import Forker, ForkerError, Wanted

# Answers command 1 only after it got command 2, then tells of a death, and ends when it is told to.
PARENT = """
import json, sys
sys.stdin.readline()
for line in sys.stdin:
    told = json.loads(line)
    if told["do"] == "end":
        break
    if told["id"] == 2:
        for number in (1, 2):
            print(json.dumps({"event": "done", "id": number, "error": None}), flush=True)
        print(json.dumps({"event": "service", "name": "crm", "state": "died"}), flush=True)
"""


async def forker(tmp_path: Path, heard: list[dict[str, Any]]) -> Forker:
    process = subprocess.Popen(  # noqa: ASYNC220 - as the launcher has it
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return await Forker.start(process, Wanted((), (), None, spans=False), tmp_path, heard.append)


def test_who_stops_waiting_for_an_answer_makes_nobody_deaf(tmp_path: Path):
    heard: list[dict[str, Any]] = []

    async def play() -> None:
        told = await forker(tmp_path, heard)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await told.do("start")
        async with asyncio.timeout(30):
            await told.do("start")
            while not heard:  # noqa: ASYNC110 - another process says it
                await asyncio.sleep(0.01)
        told.process.kill()
        told.process.wait()

    asyncio.run(play())
    assert [event["name"] for event in heard] == ["crm"]


def test_a_parent_that_is_gone_is_told_to_who_waits_and_to_who_comes_later(tmp_path: Path):
    async def play() -> None:
        told = await forker(tmp_path, [])
        async with asyncio.timeout(30):
            with pytest.raises(ForkerError, match="the parent of the services ended"):
                await told.do("end")
            with pytest.raises(ForkerError, match="the parent of the services ended"):
                await told.bound
            with pytest.raises(ForkerError, match="the parent of the services ended"):
                await told.do("start")
        told.process.wait()

    asyncio.run(play())
