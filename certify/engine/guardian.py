"""The guardian: outlives certify by seconds, to end what certify could not end when it was killed.

It holds the read end of a pipe whose write end only certify has. The kernel closes that end however certify dies;
the guardian then ends the processes that carry the run's mark and removes the folders it was told of.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from certify.processes import RUN_MARK, end_marked

_RELEASED = b"released\n"


class Guardian:
    """The engine's hold on its guardian; `release` when everything was taken down in order."""

    def __init__(self, run_id: str, folders: list[Path]) -> None:
        # Its environment lacks the mark, or it would end itself.
        environment = {name: value for name, value in os.environ.items() if name != RUN_MARK}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "certify.engine.guardian", run_id, *map(str, folders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def release(self) -> None:
        """Let it end without doing anything."""
        assert self._process.stdin  # noqa: S101 - narrowing for the type checker: it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(_RELEASED)
            self._process.stdin.close()
        self._process.wait()


def main() -> int:
    """Entry point of `python -m certify.engine.guardian RUN_ID FOLDER...`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    run_id, *folders = sys.argv[1:]
    if sys.stdin.buffer.read() != _RELEASED:
        end_marked(RUN_MARK, run_id)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
