"""Options of a run whose load is made by several processes, here or elsewhere, and the one-time token of these."""

import argparse
import contextlib
import ipaddress
import os
import secrets
import sys
from collections.abc import Iterator
from typing import Final

VARIABLE: Final = "CERTIFY_LOAD_TOKEN"
SHORTEST: Final = 32
MOST_WORKERS: Final = 1000


class LoadTokenError(Exception):
    """There is no token that could be used or told."""


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--load-workers` and `--load-master`."""
    parser.add_argument(
        "--load-workers", type=_count, metavar="N", help="processes that share a load (default: what the profile says)"
    )
    parser.add_argument(
        "--load-master",
        type=bind_address,
        metavar="[HOST:]PORT",
        help="wait there for the load's workers, which come from elsewhere (default host: 127.0.0.1)",
    )


@contextlib.contextmanager
def load_options(arguments: argparse.Namespace) -> Iterator[dict[str, str]]:
    """What checks are told of it. The token goes to them by a file that no folder holds: it ends with this process, however that ends.

    Raises:
        LoadTokenError: the given token cannot be one, or there is no terminal to print a new one on.
    """
    given = os.environ.pop(VARIABLE, "").strip()  # no service and no other check has any business with it
    options = {"load-workers": str(arguments.load_workers)} if arguments.load_workers else {}
    if not arguments.load_master:
        yield options
        return
    token = given or _printed(arguments.load_master)
    if len(token) < SHORTEST:
        raise LoadTokenError(f"{VARIABLE}: a token has {SHORTEST} characters and more; this one has {len(token)}")
    with os.fdopen(os.memfd_create("certify-load-token"), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(token)
        file.flush()
        path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        yield options | {"load-master": arguments.load_master, "load-token-file": path}


def _printed(address: str) -> str:
    if not sys.stderr.isatty():
        raise LoadTokenError(
            f"--load-master: no terminal to print the token on, and a log must not hold it: set {VARIABLE} to "
            f"{SHORTEST} random characters and more, here and for the workers"
        )
    token = secrets.token_urlsafe(32)
    sys.stderr.write(
        f"load workers: on each machine, run `certify load-worker {address}` (with the address that it reaches this one by)\n"
        f"and give it this token, which is of this run alone: {token}\n"
    )
    return token


def bind_address(text: str) -> str:
    """HOST:PORT to listen on, where HOST is an IP address; 127.0.0.1 without one."""
    host, _, port = text.rpartition(":")
    host = host or "127.0.0.1"
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{host!r} is not an IP address of this machine, such as 127.0.0.1") from None
    return f"{host}:{_port(port)}"


def master_address(text: str) -> str:
    """HOST:PORT to connect to."""
    host, _, port = text.rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError("must be HOST:PORT")
    return f"{host}:{_port(port)}"


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST_WORKERS}")
    return int(text)
