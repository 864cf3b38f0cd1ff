"""The sink of e-mails and text messages as a part of the stack: reachable before it runs, back after a death."""

import asyncio
import os
import signal
import smtplib
from pathlib import Path
from typing import Any

import httpx

from certify_stack.embedded.sink_part import SinkPart


def send(sink: SinkPart, subject: str) -> None:
    host, _, port = sink.mail_server.rpartition(":")
    with smtplib.SMTP(host, int(port), local_hostname="test.example", timeout=20) as server:
        server.sendmail("a@example.org", ["b@example.org"], f"Subject: {subject}\r\n\r\nHello\r\n")


async def subjects(sink: SinkPart) -> list[str]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        answer = await client.get(f"{sink.url}/messages", params={"to": "b@example.org"})
    return [message["subject"] for message in answer.json()]


async def live(folder: Path, told: list[dict[str, Any]], watched: list[int]) -> None:
    sink = SinkPart(folder / "sink.log", told.append, lambda pid, _gentle: watched.append(pid))
    early = asyncio.create_task(asyncio.to_thread(send, sink, "early"))
    try:
        await sink.come_up()
        await early
        assert await subjects(sink) == ["early"]
        os.kill(sink.pid, signal.SIGKILL)
        await sink.reaches("died", "restarting")
        await asyncio.to_thread(send, sink, "late")
        await sink.reaches("ready")
        assert await subjects(sink) == ["late"]
    finally:
        sink.leave()
        await sink.send(signal.SIGKILL)
        # Its end is heard in this loop, which reaps it.
        while sink.process is not None and sink.process.returncode is None:  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.01)


def test_who_sends_before_it_runs_waits_and_it_comes_back_at_the_same_address(tmp_path: Path):
    told: list[dict[str, Any]] = []
    watched: list[int] = []
    asyncio.run(live(tmp_path, told, watched))
    assert [event["state"] for event in told] == ["starting", "ready", "died", "restarting", "starting", "ready"]
    assert len(set(watched)) == 2, "its guardian knows of both processes"
