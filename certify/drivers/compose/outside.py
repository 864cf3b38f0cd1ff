"""Asking a published port from outside, through whatever the engine put before it."""

import asyncio

HOST = "127.0.0.1"
# The engine's proxy takes every connection and drops it when nobody listens inside: only what stays open is served.
_PATIENCE = 0.15


async def served(port: int, patience: float = _PATIENCE) -> bool:
    """Whether somebody behind the port keeps a connection open, or says something."""
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


async def all_served(ports: tuple[int, ...]) -> bool | None:
    """Whether all of them are; None when there is none to ask."""
    if not ports:
        return None
    return all(await asyncio.gather(*(served(port) for port in ports)))
