"""Serving one service in this process."""

import socket

import uvicorn

from certify_stack.kit import logs
from certify_stack.kit.app import create_app
from certify_stack.kit.settings import Settings

BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 lets the system choose."""
    return socket.create_server((host, port), backlog=BACKLOG)


def server_of(name: str, settings: Settings) -> uvicorn.Server:
    """Return a server of the service that is not yet running; it runs in this process, and stops on signals."""
    config = uvicorn.Config(
        create_app(name, settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def serve(name: str, settings: Settings, listening: socket.socket) -> None:
    """Serve the service on an open socket until SIGTERM or SIGINT."""
    logs.configure(name)
    server_of(name, settings).run(sockets=[listening])
