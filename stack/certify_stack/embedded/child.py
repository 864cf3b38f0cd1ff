"""What a forked child does: migrate, build the application, apply start hooks, serve."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from certify_stack.embedded.mailbox import say
from certify_stack.kit import logs, migrate, scripts
from certify_stack.kit.app import create_app
from certify_stack.kit.settings import Settings

log = logging.getLogger(__name__)

Hook = Callable[[FastAPI, str, Settings], None]
"""A start hook: may wrap or change the application of one service before it serves."""

GRACEFUL_SECONDS = 1


@dataclass(frozen=True)
class Preloaded:
    """What the parent made ready for all children: start hooks, and the folder of rendered migrations if there is one."""

    hooks: tuple[Hook, ...]
    scripts: Path | None


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


def run_service(name: str, raw: dict[str, Any], preloaded: Preloaded, listening: socket.socket, reports: int) -> int:
    """Serve on an open socket until SIGTERM; returns the exit code. States are told to the descriptor `reports`."""
    logs.configure(name)
    settings = settings_from(raw)

    def report(state: str) -> None:
        say({"event": "service", "name": name, "state": state, "pid": os.getpid(), "detail": None}, reports)

    migrate.upgrade(settings.database_dsn, name, preloaded.scripts)
    report("migrated")
    app = create_app(name, settings)
    for hook in preloaded.hooks:
        hook(app, name, settings)
    server = uvicorn.Server(configuration(app))
    report("listening")
    server.run(sockets=[listening])
    return 0 if server.started else 3


def settings_from(raw: Mapping[str, Any]) -> Settings:
    """Settings out of JSON, where a path is a string."""
    paths = {key: Path(raw[key]) for key in ("service_token_file", "auth_private_key") if raw.get(key)}
    return Settings(**{**raw, **paths})


def fill(databases: Mapping[str, str], passwords: Mapping[str, str], migrations: Path | None) -> int:
    """Migrate fresh databases and sow the seeds of the reference stack; returns the exit code.

    Done while the broker starts. Each service migrates again when it starts and finds nothing to do; one whose migrations fail
    is left without seeds here, and says so itself when it starts.
    """
    logs.configure("seed")
    asyncio.run(_fill(databases, passwords, migrations))
    return 0


async def _fill(databases: Mapping[str, str], passwords: Mapping[str, str], migrations: Path | None) -> None:
    migrated: dict[str, str] = {}

    async def upgrade(name: str, dsn: str) -> None:
        try:
            await migrate.upgrade_async(dsn, name, migrations)
            migrated[name] = dsn
        except Exception:
            log.exception("not migrated, so not filled", extra={"of": name})

    if migrations is None:
        # Alembic keeps the state of a migration in globals: one at a time.
        for name, dsn in databases.items():
            await upgrade(name, dsn)
    else:
        await asyncio.gather(*(upgrade(name, dsn) for name, dsn in databases.items()))
    seed = importlib.import_module("certify_stack.erp.seed").seed
    await seed(migrated, passwords)


def render(services: Iterable[str], folder: Path) -> int:
    """Write migrations down as SQL; returns the exit code."""
    logs.configure("render")
    scripts.keep(services, folder)
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
