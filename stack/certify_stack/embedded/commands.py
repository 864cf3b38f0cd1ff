"""Commands of the one who started the stack: kill, pause and start again single parts, cut services off from their database.

A part that was killed stays down until `restart`; one that was paused is there and answers nothing until `resume`. `cut` and
`mend` name what of a service is taken away by `of`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from certify_stack.embedded.forker import ForkerError
from certify_stack.embedded.part import Part, PartError
from certify_stack.embedded.stack import ROLES, Stack

_SECONDS = 30.0
ACTIONS: dict[str, Callable[[Part], Awaitable[None]]] = {
    "kill": Part.kill,
    "pause": Part.pause,
    "resume": Part.resume,
    "restart": Part.restart,
}
LINES = ("cut", "mend")


async def obey(stack: Stack, command: dict[str, Any]) -> dict[str, Any]:
    """Do one command and return the reply; whatever is wrong with it is said there."""
    name = str(command.get("service", ""))
    try:
        async with asyncio.timeout(_SECONDS):
            await _do(stack, str(command.get("do", "")), name, str(command.get("of") or ""))
    except TimeoutError:
        return _reply(command, f"not done within {_SECONDS:g} s")
    except (PartError, ForkerError) as error:
        return _reply(command, str(error))
    stack.write_endpoints()
    return {**_reply(command), "pid": stack.parts[name].pid}


async def _do(stack: Stack, action: str, name: str, of: str) -> None:
    if action not in ACTIONS and action not in LINES:
        raise PartError(f"unknown command {action!r}; known: {', '.join((*ACTIONS, *LINES))}, stop")
    if name not in stack.parts:
        raise PartError(f"there is no service {name!r}, nor another part of this name; known: {', '.join(stack.parts)}")
    if action in ACTIONS:
        await ACTIONS[action](stack.parts[name])
        return
    if name not in stack.services:
        raise PartError(f"{action} takes a service; {name} is none")
    if of not in {"database", ROLES["database"]}:
        raise PartError(_refusal(action, name, of))
    await (stack.database.cut(name) if action == "cut" else stack.database.mend(name))


def _refusal(action: str, name: str, of: str) -> str:
    if of in {"broker", ROLES["broker"]}:
        return (
            f"{name} cannot be cut off from the broker alone: all services reach it at one address; pause {ROLES['broker']!r} "
            "instead, which all of them notice"
        )
    return f"{action} needs `of`: database; {of!r} is nothing that a service can be cut off from"


def _reply(command: dict[str, Any], error: str | None = None) -> dict[str, Any]:
    reply: dict[str, Any] = {"event": "reply", "id": command.get("id"), "ok": error is None}
    return reply if error is None else {**reply, "error": error}
