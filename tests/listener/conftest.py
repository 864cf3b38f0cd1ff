"""A listener inside of the test's own process, and requests for it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from certify.api import Spans, read_spans
from certify.listener.server import serve
from certify.listener.spans_file import SpansFile

Scene = Callable[[httpx.AsyncClient], Awaitable[Any]]


@pytest.fixture
def listened(tmp_path: Path) -> Callable[..., tuple[Any, Spans[Any]]]:
    """Run a scene against a listener: `listened(scene, capacity=3)` gives what the scene returns, and the spans."""

    def run(scene: Scene, capacity: int = 1_000, file: Path = tmp_path / "spans.jsonl") -> tuple[Any, Spans[Any]]:
        async def main() -> Any:
            with socket.create_server(("127.0.0.1", 0)) as server, SpansFile(file, capacity) as spans:
                base = f"http://127.0.0.1:{server.getsockname()[1]}"
                async with serve(server, spans), httpx.AsyncClient(base_url=base, trust_env=False) as client:
                    return await scene(client)

        return asyncio.run(main()), read_spans(file.read_bytes() if file.is_file() else b"")

    return run
