"""Starts the pre-loaded parent of the services (`zygote.py`), before the launcher imports what itself needs.

The parent's imports are the longest chain of a boot, so this module must stay light.
"""

from __future__ import annotations

import os
import subprocess
import sys

from certify_stack.embedded.procs import dying_with_caller

# Nothing that is imported or built before a fork is ever garbage, and looking for it takes a fifth of the time. The HTTP client's
# command line, with the terminal library that it draws by, is optional to it and of no use here.
_PROGRAM = "import gc, sys; gc.disable(); sys.modules['httpx._main'] = None; from certify_stack.embedded.zygote import main; main()"


def spawn() -> subprocess.Popen[bytes]:
    """Start it; it imports while this returns, and ends when its standard input does. From the main thread only."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        preexec_fn=dying_with_caller(),  # noqa: PLW1509 - one prctl call, resolved before the fork
    )
