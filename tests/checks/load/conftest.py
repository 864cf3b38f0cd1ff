"""A small real GraphQL-like server with a log-in, and observations to judge."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from certify.api import Context, Service, Stack
from certify_checks.load.model import Calibration, EffectSeen, Generator, LoadSeen
from certify_checks.load.rules.planting import spread

App = Callable[[dict[str, Any], Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]
ANSWERS: dict[str, tuple[int, str]] = {
    "list": (200, '{"data": {"customers": [{"id": "1"}, {"id": "2"}]}}'),
    "http": (500, "boom"),
    "throttled": (429, "slow down"),
    "graphql": (200, '{"data": null, "errors": [{"message": "no such column"}]}'),
    "wrong-body": (200, "<html>"),
}


async def _app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, told = (200, '{"access_token": "secret"}')
    if scope["path"] == "/graphql":
        query = json.loads(body)["query"]
        await asyncio.sleep(1.2 if "slow" in query else 0.01)
        status, told = next((answer for name, answer in ANSWERS.items() if name in query), ANSWERS["list"])
        if (b"authorization", b"Bearer secret") not in scope["headers"]:
            status, told = 401, "who are you?"
    size = str(len(told)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", size)]})
    await send({"type": "http.response.body", "body": told.encode()})


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a server that answers as the name in the query says."""
    with _serving(_app) as address:
        yield address


@pytest.fixture
def serving() -> Callable[[App], contextlib.AbstractContextManager[str]]:
    """Serves an application; gives its address."""
    return _serving


@contextlib.contextmanager
def _serving(app: App) -> Iterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none", lifespan="off", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    with contextlib.ExitStack() as stack:
        stack.callback(thread.join, 10)
        stack.callback(setattr, server, "should_exit", True)  # noqa: FBT003 - uvicorn's own switch
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    def make(address: str, **more: Any) -> Context:
        for name in ("evidence", "scratch"):
            (tmp_path / name).mkdir()
        login = {"login": f"{address}/login", "users": {"admin": {"username": "a", "password": "b"}}}
        stack = Stack((), Service("gateway", address, graphql="/graphql"), login)
        return Context("load", tmp_path / "evidence", tmp_path / "scratch", stack=stack, **more)

    return make


@pytest.fixture
def clean() -> LoadSeen:
    """5,000 right answers between 10 and 110 ms, by a sound instrument."""
    times = tuple(10_000 + 20 * number for number in range(5000))
    return LoadSeen(
        shape="mix",
        users=100,
        hold_us=300_000_000,
        timeout_us=10_000_000,
        operations=(spread("list", times),),
        calibration=Calibration(tuple(range(300, 500)), 5000),
        generator=Generator(80_000, 1000, 2000, 100, "locust"),
        effects=(EffectSeen("invoices", "list", 5000),),
    )
