"""Commands of the one who started the stack: kill, stop, pause and start again single parts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from certify_stack.embedded.forker import ForkerError
from certify_stack.embedded.gateway import GatewayError
from certify_stack.embedded.probe import until_good
from certify_stack.embedded.stack import GATEWAY, Stack, event

_TERM_SECONDS = 3.0
_READY_SECONDS = 30.0


async def obey(stack: Stack, command: dict[str, Any]) -> dict[str, Any]:
    """Do one command and return the reply; whatever is wrong with it is said there."""
    try:
        action = ACTIONS[command.get("do", "")]
        name = command.get("service", "")
        if name != GATEWAY and name not in stack.services:
            return _reply(command, f"there is no service {name!r}")
        await action(stack, name)
    except KeyError:
        return _reply(command, f"unknown command {command.get('do')!r}; known: {', '.join(ACTIONS)}, stop")
    except TimeoutError:
        return _reply(command, f"not done within {_READY_SECONDS:g} s")
    except (ForkerError, GatewayError) as error:
        return _reply(command, str(error))
    stack.write_endpoints()
    pid = stack.gateway.pid if name == GATEWAY else stack.services[name].pid
    return {**_reply(command), "pid": pid}


async def kill(stack: Stack, name: str) -> None:
    """SIGKILL; returns when the process is gone. It stays down until `restart`."""
    await _send(stack, name, signal.SIGKILL)
    await _gone(stack, name)


async def pause(stack: Stack, name: str) -> None:
    """SIGSTOP: the process is there and answers nothing."""
    await _send(stack, name, signal.SIGSTOP)


async def resume(stack: Stack, name: str) -> None:
    """SIGCONT."""
    await _send(stack, name, signal.SIGCONT)


async def restart(stack: Stack, name: str) -> None:
    """End it in order when it runs, start it on the same port, return when it is ready."""
    if _runs(stack, name):
        await _send(stack, name, signal.SIGTERM)
        await _send(stack, name, signal.SIGCONT)
        try:
            await asyncio.wait_for(_gone(stack, name), _TERM_SECONDS)
        except TimeoutError:
            await kill(stack, name)
    async with asyncio.timeout(_READY_SECONDS):
        if name == GATEWAY:
            await stack.start_gateway()
            await until_good(f"{stack.gateway.url}/health/ready")
            stack.say(event(GATEWAY, "ready"))
        else:
            await stack.start(name)
            await stack.wait_ready(name)
    if name != GATEWAY and stack.services[name].state != "ready":
        raise ForkerError(f"{name} did not come back: {stack.services[name].failure}")


ACTIONS: dict[str, Callable[[Stack, str], Awaitable[None]]] = {
    "kill": kill,
    "pause": pause,
    "resume": resume,
    "restart": restart,
}


def _runs(stack: Stack, name: str) -> bool:
    if name == GATEWAY:
        return stack.gateway.process is not None and stack.gateway.process.returncode is None
    return stack.services[name].running


async def _send(stack: Stack, name: str, number: int) -> None:
    if name == GATEWAY:
        stack.gateway.signal(number)
    else:
        await stack.forker.do("signal", name=name, signal=int(number))


async def _gone(stack: Stack, name: str) -> None:
    if name != GATEWAY:
        await stack.services[name].reaches("died")
    elif stack.gateway.process is not None:
        await stack.gateway.process.wait()
        stack.say(event(GATEWAY, "died", f"exit status {stack.gateway.process.returncode}"))


def _reply(command: dict[str, Any], error: str | None = None) -> dict[str, Any]:
    reply: dict[str, Any] = {"event": "reply", "id": command.get("id"), "ok": error is None}
    return reply if error is None else {**reply, "error": error}
