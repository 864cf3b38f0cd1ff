"""The sink of e-mails and text messages as a part of the stack. Nothing waits for it: its sockets are open before it runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import weakref
from pathlib import Path

from certify_stack.embedded.database import WatchOver
from certify_stack.embedded.part import Say
from certify_stack.embedded.ports import HOST, HeldPort
from certify_stack.embedded.probe import until_good
from certify_stack.embedded.procs import dying_with_caller
from certify_stack.embedded.spawned import SpawnedPart

SINK = "sink"


class SinkPart(SpawnedPart):
    """A mail server and a provider of text messages, in one process."""

    def __init__(self, log: Path, say: Say, watch_over: WatchOver) -> None:
        super().__init__(SINK, log, say)
        self._watch_over = watch_over
        self._smtp, self._http = HeldPort(), HeldPort()
        for port in (self._smtp, self._http):
            assert port.listener  # noqa: S101 - opens it: who sends before the process runs waits in its queue
            weakref.finalize(self, port.close)

    @property
    def mail_server(self) -> str:
        """Address of the mail server."""
        return f"{HOST}:{self._smtp.number}"

    @property
    def url(self) -> str:
        """Base address of the provider of text messages, and of what arrived."""
        return f"http://{HOST}:{self._http.number}"

    async def launch(self) -> None:
        """Start it on the open sockets."""
        sockets = (self._smtp.listener.fileno(), self._http.listener.fileno())
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - returns as soon as it is forked, and it must be by this thread
                [sys.executable, "-m", "certify_stack.embedded.sink", *map(str, sockets)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=sockets,
                start_new_session=True,
                preexec_fn=dying_with_caller(),  # noqa: PLW1509 - one prctl call, resolved before the fork
            )
        self.watch(process)
        self._watch_over(process.pid, signal.SIGTERM)
        self.tell("starting")

    async def answers(self) -> None:
        """When it gives what arrived."""
        await until_good(f"{self.url}/health/ready")

    async def refuse(self) -> None:
        """Close both queues."""
        self._smtp.refuse()
        self._http.refuse()
