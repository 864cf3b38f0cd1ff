"""Runs a test command; what failed beside others runs once more, alone, when it is little.

These tests start real servers on small shared machines, which now and then stand still for seconds. A test that fails only then is
named as flaky and does not stop a commit; one that fails alone too does, and so do more than a few failures.
"""

import json
import subprocess
import sys
from pathlib import Path

FEW = 5
_FAILED = 1
_LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def main(command: list[str]) -> int:
    """Exit status of `command`, or of the repetition of the few tests that failed in it."""
    _LAST_FAILED.unlink(missing_ok=True)
    status = subprocess.run(command, check=False).returncode
    if status != _FAILED:
        return status
    failed = list(json.loads(_LAST_FAILED.read_text())) if _LAST_FAILED.exists() else []
    if not 0 < len(failed) <= FEW:
        return status
    alone = subprocess.run([sys.executable, "-m", "pytest", "-q", *failed], check=False).returncode
    if alone == 0:
        print("FLAKY: failed beside others and passed alone:", *failed, sep="\n  ", flush=True)
    return alone


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
