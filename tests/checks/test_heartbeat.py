"""A question in trouble while this machine stood still is put again; one in trouble without that is not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from certify_checks.health.probe import ask, prober
from certify_checks.heartbeat import Heartbeat


@asynccontextmanager
async def server(answers: list[str], asked: int) -> AsyncIterator[str]:
    """Answers each question after 0.1 s; `still`: everything stands still for 0.6 s first."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        how = answers.pop(0)
        if how == "still":
            time.sleep(0.6)  # noqa: ASYNC251 - the loop is to stand still
        if how == "hangs":
            await reader.read()
        else:
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        over.release()

    over = asyncio.Semaphore(0)
    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    finally:
        listening.close()
        for _ in range(asked):
            await over.acquire()


def asked(*answers: str, taken: int) -> tuple[str, int]:
    """The trouble of one question to a server that answers so, and how many of its answers were taken (as expected)."""

    async def play() -> tuple[str, int]:
        left = list(answers)
        async with server(left, taken) as url, prober() as asking:
            sample = await ask(asking, url, time.perf_counter(), 0.5)
        return sample.trouble, len(answers) - len(left)

    return asyncio.run(play())


def test_a_question_is_put_again_after_a_standstill():
    assert asked("still", "well", taken=2) == ("", 2)


def test_what_hangs_by_itself_is_told_at_once():
    assert asked("hangs", "well", taken=1) == ("no answer within 0.5 s", 1)


def test_lost_time_is_told_by_when_it_was_lost():
    async def play() -> tuple[float, float, float]:
        async with Heartbeat.beating() as heart:
            await asyncio.sleep(0.2)
            before = heart.lost(0.0)
            since = time.perf_counter()
            time.sleep(0.5)  # noqa: ASYNC251 - the loop is to stand still
            await asyncio.sleep(0.1)
            return before, heart.lost(since), heart.lost(time.perf_counter())

    before, during, after = asyncio.run(play())
    assert (before, after) == (0.0, 0.0)
    assert 0.3 < during <= 0.6
