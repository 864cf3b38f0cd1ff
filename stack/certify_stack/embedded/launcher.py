"""The command `up`: boots the reference stack and keeps it up until told otherwise.

    python -m certify_stack.erp up [--dir DIR] [--overlay MODULE:FUNCTION ...] [--otlp URL] [--durable] [--patience SECONDS]

Where standard output is a pipe, JSON lines go there: `progress` of what is fetched once, `service` events, one
`up` or `failed`, and `service` events as long as the stack runs. Where standard input is a pipe,
commands come from there, and its end takes the stack down. In a terminal there is a table of addresses, and Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certify_stack.embedded.commands import obey
from certify_stack.embedded.console import progress, table
from certify_stack.embedded.gateway import GATEWAY
from certify_stack.embedded.parent import spawn
from certify_stack.embedded.part import log_tail
from certify_stack.embedded.stack import BOOT_SECONDS, Options, Stack

_LINE_LIMIT = 1 << 20
EXIT_FAILED = 1


def main(argv: Sequence[str] | None = None, parent: subprocess.Popen[bytes] | None = None) -> int:
    """Run `up` or `describe`; returns the exit code. `parent` is that of the services, when it runs already."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "describe":
        print(json.dumps(place()))  # noqa: T201 - the answer to this command
        return 0
    options = Options(arguments.dir, tuple(arguments.overlay), arguments.otlp, arguments.durable, arguments.patience)
    return asyncio.run(Launcher(options, parent or spawn(), human=sys.stdout.isatty()).run())


def place() -> dict[str, str]:
    """Where the stack's source lies, the services' own suites and, in a checkout, the compose file."""
    root = Path(__file__).resolve().parents[2]
    bundled = root / "certify_stack" / "_suites"
    compose = root.parent / "docker-compose.test.yml"
    return {
        "root": str(root),
        "suites": str(bundled if bundled.is_dir() else root / "tests"),
        "compose": str(compose) if compose.is_file() else "",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m certify_stack.erp", description="The reference stack on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="boot all services and keep them up")
    up.add_argument("--dir", type=Path, help="folder for logs and endpoints.json (default: a temporary one)")
    up.add_argument(
        "--overlay", action="append", default=[], metavar="MODULE:FUNCTION", help="start hook; may be repeated"
    )
    up.add_argument("--otlp", metavar="URL", help="OTLP/HTTP collector that spans go to")
    up.add_argument("--durable", action="store_true", help="data on disk, written before anything is acknowledged")
    up.add_argument(
        "--patience",
        type=float,
        default=BOOT_SECONDS,
        metavar="SECONDS",
        help="what is not ready by then has failed (default: %(default)g)",
    )
    commands.add_parser("describe", help="print where source and suites lie, as JSON")
    return parser


class Launcher:
    """One boot and what follows until the end."""

    def __init__(self, options: Options, parent: subprocess.Popen[bytes], *, human: bool) -> None:
        self._options = options
        self._parent = parent
        self._human = human
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Boot, serve commands, take down; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._over.set)
        stack = Stack(self._options, self._say, self._parent)
        try:
            await self._listen(stack)
            boot = asyncio.create_task(stack.boot())
            over = asyncio.create_task(self._over.wait())
            await asyncio.wait({boot, over}, return_when=asyncio.FIRST_COMPLETED)
            if not boot.done():
                boot.cancel()
                return 0
            gc.freeze()
            gc.enable()
            if (error := boot.exception()) is not None:
                self._say(failed("", str(error), log_tail(stack.logs / "zygote.log")))
                return EXIT_FAILED
            self._announce(stack)
            await over
        finally:
            stack.close()
        return 0

    def _announce(self, stack: Stack) -> None:
        failures = stack.failures()
        if not failures:
            self._say({"event": "up", "endpoints": stack.endpoints()})
            return
        # A gateway cannot be ready without its services: name one of these first.
        name = min(failures, key=lambda failure: (failure == GATEWAY, failure))
        message = "; ".join(f"{part}: {reason}" for part, reason in sorted(failures.items()))
        self._say({**failed(name, message, log_tail(stack.logs / f"{name}.log")), "endpoints": stack.endpoints()})

    async def _listen(self, stack: Stack) -> None:
        """Take commands from standard input where that is a pipe; a terminal, a file or nothing gives none."""
        mode = os.fstat(0).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        self._keep(asyncio.create_task(self._read(stack, reader)))

    async def _read(self, stack: Stack, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            try:
                command = dict(json.loads(line))
            except (ValueError, TypeError):
                self._say({"event": "reply", "id": None, "ok": False, "error": "not a JSON object"})
                continue
            if command.get("do") == "stop":
                self._say({"event": "reply", "id": command.get("id"), "ok": True})
                break
            self._keep(asyncio.create_task(self._obey(stack, command)))
        self._over.set()

    async def _obey(self, stack: Stack, command: dict[str, Any]) -> None:
        self._say(await obey(stack, command))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, event: dict[str, Any]) -> None:
        if self._human:
            sys.stderr.write(table(event["endpoints"]) if event["event"] == "up" else progress(event))
            return
        try:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self._over.set()


def failed(service: str, message: str, tail: list[str]) -> dict[str, Any]:
    """The event of a boot that did not succeed; `service` is empty when no single one is the cause."""
    return {"event": "failed", "service": service, "message": message, "log_tail": tail}
