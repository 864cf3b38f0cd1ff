"""Receives the OpenTelemetry spans that a stack sends, in a process of its own, so that the engine pays nothing for them."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from certify.processes import die_with_parent

_HOST = "127.0.0.1"
_BACKLOG = 128
_STOP_SECONDS = 3.0


@asynccontextmanager
async def listening(file: Path) -> AsyncIterator[str]:
    """Listen for OTLP over HTTP, and append what arrives to `file`, one `certify.api.Span` a line.

    The process that listens ends with the block, and with this process however that ends. What it has to complain of
    goes to `FILE.log`. It need not be waited for: what connects before it runs is queued by the kernel.

    Yields:
        What the stack needs as `OTEL_EXPORTER_OTLP_ENDPOINT`, such as `http://127.0.0.1:4318`.

    Raises:
        OSError: `file` cannot be written.
    """
    file.touch(mode=0o600)  # noqa: ASYNC240 - one local call, before anything runs
    with socket.create_server((_HOST, 0), backlog=_BACKLOG) as server:
        url = f"http://{_HOST}:{server.getsockname()[1]}"
        process = await _start(server, file)
    try:
        yield url
    finally:
        await _stop(process)


async def _start(server: socket.socket, file: Path) -> asyncio.subprocess.Process:
    with file.with_name(f"{file.name}.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "certify.listener", "--socket", str(server.fileno()), "--file", str(file)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            pass_fds=(server.fileno(),),
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End its standard input; it answers what it was asked, then ends."""
    assert process.stdin  # noqa: S101 - narrowing for the type checker: a pipe
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
