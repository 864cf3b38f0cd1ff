"""A part whose process this one started itself: noticed when it ends, stopped with all of its descendants."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from certify_stack.embedded.part import Part
from certify_stack.embedded.procs import ProcessId, descendants


class SpawnedPart(Part):
    """Watches a `subprocess.Popen`. Nothing else may wait for that process."""

    process: subprocess.Popen[bytes] | None = None

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Tell `ended` when the process is gone; the descriptor does so without a thread or a pause."""
        self.process, self.pid = process, process.pid
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(process.pid)

        def gone() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self.ended(_describe(process.wait()))

        loop.add_reader(descriptor, gone)

    async def send(self, number: int) -> None:
        """Signal the process and, where it is to stop or to go on, its descendants too."""
        whole = number in {signal.SIGSTOP, signal.SIGCONT}
        # The parent first, so that it starts no more while its children are being stopped.
        for process in super().processes():
            process.signal(number)
        for process in descendants(self.pid) if whole else ():
            process.signal(number)

    def processes(self) -> list[ProcessId]:
        """With all descendants."""
        return [*super().processes(), *descendants(self.pid)]


def _describe(code: int) -> str:
    """An exit code as `subprocess` has it, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
