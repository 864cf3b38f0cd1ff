"""What a forked child does: migrate, build the application, apply start hooks, serve."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from certify_stack.kit import logs, migrate
from certify_stack.kit.app import create_app
from certify_stack.kit.settings import Settings

Hook = Callable[[FastAPI, str, Settings], None]
"""A start hook: may wrap or change the application of one service before it serves."""

BACKLOG = 512
GRACEFUL_SECONDS = 1


def load_hooks(specifications: Iterable[str]) -> tuple[Hook, ...]:
    """Import hooks named `MODULE:FUNCTION`.

    Raises:
        LookupError: A name leads to nothing.
    """
    hooks: list[Hook] = []
    for specification in specifications:
        module, separator, attribute = specification.partition(":")
        if not separator:
            raise LookupError(f"overlay {specification!r}: expected MODULE:FUNCTION")
        try:
            hooks.append(getattr(importlib.import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            raise LookupError(f"overlay {specification!r}: {error}") from error
    return tuple(hooks)


def run_service(name: str, raw: dict[str, Any], port: int, hooks: Iterable[Hook], reports: int) -> int:
    """Serve until SIGTERM; returns the exit code."""
    logs.configure(name)
    settings = settings_from(raw)

    def report(state: str) -> None:
        event = {"event": "service", "name": name, "state": state, "pid": os.getpid(), "detail": None}
        os.write(reports, (json.dumps(event) + "\n").encode())

    migrate.upgrade(settings.database_dsn, name)
    report("migrated")
    app = create_app(name, settings)
    for hook in hooks:
        hook(app, name, settings)
    server = uvicorn.Server(configuration(app))
    with listening_socket(port) as listening:
        report("listening")
        server.run(sockets=[listening])
    return 0 if server.started else 3


def settings_from(raw: Mapping[str, Any]) -> Settings:
    """Settings out of JSON, where a path is a string."""
    paths = {key: Path(raw[key]) for key in ("service_token_file", "auth_private_key") if raw.get(key)}
    return Settings(**{**raw, **paths})


def fill(databases: Mapping[str, str], passwords: Mapping[str, str]) -> int:
    """Sow the seeds of the reference stack; returns the exit code."""
    logs.configure("seed")
    seed = importlib.import_module("certify_stack.erp.seed").seed
    asyncio.run(seed(databases, passwords))
    return 0


def configuration(app: FastAPI) -> uvicorn.Config:
    """How a service is served; logs are set up already."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def listening_socket(port: int) -> socket.socket:
    """A listening socket on the port that the parent holds."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(BACKLOG)
    return listening
