"""Whether this process can reach the stack at all: what a worker elsewhere cannot reach is not the stack's fault."""

import socket
from urllib.parse import urlsplit

PATIENCE = 5.0
_PORTS = {"http": 80, "https": 443}


def reaches(url: str) -> bool:
    """Whether a TCP connection to the address comes about within a few seconds."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), PATIENCE):
            return True
    except OSError:
        return False
