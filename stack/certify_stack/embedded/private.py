"""Files for the eyes of their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first moment on; replaces an older one in one step."""
    work = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)
    work.replace(path)
