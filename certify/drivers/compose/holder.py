"""Who holds a port that a stack wanted: a container of the same engine, or a process of this machine."""

import contextlib
from typing import Any

import psutil

from certify.drivers.compose.containers import ENGINE_GONE
from certify.model.escape import clip, visible

_PROJECT = "com.docker.compose.project"


def holder(client: Any, port: int) -> str:
    """Name and project of the container, or number and command of the process; empty when neither can be told."""
    with contextlib.suppress(*ENGINE_GONE):
        for summary in client.api.containers():
            if any(one.get("PublicPort") == port for one in summary.get("Ports") or ()):
                name = visible(str((summary.get("Names") or ["?"])[0]).lstrip("/"))
                project = visible(str((summary.get("Labels") or {}).get(_PROJECT, "")))
                return f"the container {name}" + (f" of the project {project}" if project else "")
    return _process(port)


def _process(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid:
                command = " ".join(psutil.Process(one.pid).cmdline())
                return f"process {one.pid}: {clip(visible(command), 120)}"
    return ""
