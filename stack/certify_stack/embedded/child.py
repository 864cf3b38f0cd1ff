"""What a forked child does: migrate, build the application, apply start hooks, serve."""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from certify_stack.embedded.mailbox import say
from certify_stack.erp.auth.accounts import seed_users
from certify_stack.kit import logs, migrate, scripts
from certify_stack.kit.app import create_app
from certify_stack.kit.settings import Settings

Hook = Callable[[Starlette, str, Settings], None]
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
    """Serve on an open socket until SIGTERM; returns the exit code. States are told to the descriptor `reports`.

    `raw` are the settings as JSON has them; with `"migrated": true` the database is known to be at head.
    """
    logs.configure(name)
    migrated = raw.pop("migrated", False)
    settings = settings_from(raw)

    def report(state: str) -> None:
        say({"event": "service", "name": name, "state": state, "pid": os.getpid(), "detail": None}, reports)

    if not migrated:
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


def enrol(database: str, passwords: Mapping[str, str]) -> int:
    """Make the run's users in the database of `auth`, each named like its role; returns the exit code."""
    logs.configure("users")
    seed_users(database, {role: (password, role) for role, password in passwords.items()})
    return 0


def render(services: Iterable[str], folder: Path) -> int:
    """Write migrations down as SQL; returns the exit code."""
    logs.configure("render")
    scripts.keep(services, folder)
    return 0


def configuration(app: Starlette) -> uvicorn.Config:
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


def preload() -> None:
    """Import what a server imports only when it starts: here once for all children, there once for each."""
    serving = configuration(Starlette())
    serving.load()
    serving.get_loop_factory()
    for module in ("concurrent.futures.thread", "uvloop", "encodings.idna"):
        importlib.import_module(module)
