"""The guardian: outlives certify by seconds, to end what certify could not end when it was killed.

It holds the read end of a pipe whose write end only certify has. The kernel closes that end however certify dies;
the guardian then ends the processes that carry the run's mark and removes the folders it was told of. A guardian that was
killed itself is replaced while the run goes on; what a run leaves that died together with its guardian, the next one sweeps.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from certify.processes import RUN_MARK, end_marked

_RELEASED = b"released\n"
# A stack's launcher has a guardian of its own, which carries the mark too and must have time to end what it guards.
_PATIENCE_SECONDS = 5.0
# One that cannot even start must not keep the engine busy.
_PAUSE_SECONDS = 0.2


class Guardian:
    """The engine's hold on its guardian; `release` when everything was taken down in order."""

    def __init__(self, run_id: str, folders: list[Path]) -> None:
        """Start it. The folders need not exist yet: started before them, it misses none."""
        self._arguments = (run_id, *map(str, folders))
        self._process = self._start()
        self._released = False

    async def replace_when_killed(self) -> None:
        """Put another in its place whenever it ends; goes on until it is cancelled."""
        while True:
            await _ended(self._process.pid)
            self._hang_up(b"")
            self._process = self._start()
            await asyncio.sleep(_PAUSE_SECONDS)

    def release(self) -> None:
        """Let it end without doing anything; nothing happens the second time."""
        if not self._released:
            self._released = True
            self._hang_up(_RELEASED)

    def _start(self) -> "subprocess.Popen[bytes]":
        # Its environment lacks the mark, or it would end itself.
        environment = {name: value for name, value in os.environ.items() if name != RUN_MARK}
        return subprocess.Popen(
            [sys.executable, "-m", "certify.engine.guardian", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def _hang_up(self, word: bytes) -> None:
        assert self._process.stdin  # noqa: S101 - narrowing for the type checker: it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(word)
            self._process.stdin.close()
        self._process.wait()


async def _ended(pid: int) -> None:
    """Wait for the end of a child, without reaping it."""
    descriptor, loop, over = os.pidfd_open(pid), asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def main() -> int:
    """Entry point of `python -m certify.engine.guardian RUN_ID FOLDER...`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    run_id, *folders = sys.argv[1:]
    if sys.stdin.buffer.read() != _RELEASED:
        end_marked(RUN_MARK, run_id, patience=_PATIENCE_SECONDS)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
