"""Asking a container's port from outside: at the container itself where this machine reaches it, and where it is published."""

import asyncio
from collections.abc import Iterable

HOST = "127.0.0.1"
# The engine's proxy takes every connection and drops it when nobody listens inside: only what stays open is served.
# A busy machine drops late, so what nobody could ask directly gets more time.
_PATIENCE = 0.15
_MORE_PATIENCE = 0.6
_REACH_SECONDS = 0.5


async def served(port: int, inside: str = "") -> bool:
    """Whether somebody behind the published port keeps a connection open, or says something.

    Args:
        port: on this machine.
        inside: address and port of the container on its network; empty: not known.
    """
    direct = await _listens(inside) if inside else None
    return direct is not False and await _kept(port, _PATIENCE if direct else _MORE_PATIENCE)


async def all_served(ports: Iterable[tuple[int, str]]) -> bool | None:
    """Whether all of them are; None when there is none to ask."""
    asked = tuple(ports)
    if not asked:
        return None
    return all(await asyncio.gather(*(served(port, inside) for port, inside in asked)))


async def _listens(inside: str) -> bool | None:
    """Whether the container itself takes a connection; None when this machine cannot reach its network."""
    address, _, port = inside.rpartition(":")
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            _, writer = await asyncio.open_connection(address, int(port))
    except ConnectionRefusedError:
        return False
    except (OSError, TimeoutError):
        return None
    writer.close()
    return True


async def _kept(port: int, patience: float) -> bool:
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return False
    try:
        async with asyncio.timeout(patience):
            return bool(await reader.read(1))
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        writer.close()
