"""Removes a run's containers when certify was killed: it waits for the end of a pipe that only certify holds."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from certify.processes import RUN_MARK

_RELEASED = b"released\n"


class Guardian:
    """The driver's hold on it; `release` when everything was taken down in order."""

    def __init__(self, run_id: str, host: str = "", folder: Path | None = None) -> None:
        # Without the run's mark, or the engine's own guardian would end it before it has done its work.
        environment = {name: value for name, value in os.environ.items() if name != RUN_MARK}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, run_id, host, *([str(folder)] if folder else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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
    """Entry point of `python -m certify.drivers.compose.guardian RUN_ID HOST [FOLDER]`; the folder is removed too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() != _RELEASED:
        # Only now: nobody waits for the import of the SDK in an ordinary run.
        from certify.drivers.compose.containers import Containers, connect  # noqa: PLC0415

        Containers(connect(sys.argv[2]), sys.argv[1]).remove()
        for folder in sys.argv[3:]:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
