"""What a Dockerfile says of the image that is built from it: as much as can be read without building. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Final

from certify.draft.model import Built

_MOST_PORTS: Final = 20
_PORT: Final = re.compile(r"[0-9]{1,5}")
_STAGE: Final = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
_HEALTH: Final = re.compile(r"HEALTHCHECK\s+(?:--\S+\s+)*(?P<form>CMD|NONE)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


def read_dockerfile(text: str, target: str = "") -> Built:
    """Base, health check and ports of the stage `target`, or of the last one.

    Each stage has what those that it stands on have. Variables stay as they are written: what they hold is nobody's to copy.
    """
    stages: dict[str, Built] = {}
    name, built = "", Built()
    for instruction in _instructions(text):
        if found := _STAGE.match(instruction):
            stages[name] = built
            if target and name.lower() == target.lower():
                return built
            below = stages.get(found["image"].lower())
            built = below or Built(base=found["image"])
            name = (found["name"] or "").lower()
        elif found := _HEALTH.match(instruction):
            built = Built(built.base, _health(found), built.ports)
        elif instruction.upper().startswith("EXPOSE "):
            built = Built(built.base, built.health, (*built.ports, *_ports(instruction))[:_MOST_PORTS])
    return built


def _instructions(text: str) -> Iterator[str]:
    """Instructions, each on one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    return (line.strip() for line in joined.splitlines() if line.strip())


def _health(found: re.Match[str]) -> tuple[str, ...]:
    if found["form"].upper() == "NONE":
        return ()
    rest = found["rest"].strip()
    try:
        parts = json.loads(rest)
    except (ValueError, RecursionError):
        return ("CMD-SHELL", rest)
    return ("CMD", *map(str, parts)) if isinstance(parts, list) else ("CMD-SHELL", rest)


def _ports(instruction: str) -> Iterator[int]:
    for word in instruction.split()[1:]:
        number, _, protocol = word.partition("/")
        if _PORT.fullmatch(number) and protocol.lower() in {"", "tcp"}:
            yield int(number)
