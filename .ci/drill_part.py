"""Drills one fault in twenty, others with every commit; `owasp.dependencies` is left to the night: it needs the advisory service."""

import subprocess
import sys
import tempfile

from certify.drill.catalogue import discover_faults

PARTS = 20
ONLINE = "owasp.dependencies"


def main() -> int:
    """Choose by the commit's number; exit with the status of the drill."""
    number = ("git", "rev-list", "--count", "HEAD")
    count = subprocess.run(number, capture_output=True, text=True, check=True).stdout
    names = [fault.name for fault in discover_faults().values() if ONLINE not in fault.caught_by]
    chosen = [name for at, name in enumerate(names) if at % PARTS == int(count) % PARTS]
    print(f"{len(chosen)} of {len(names)} faults: {', '.join(chosen)}", flush=True)
    faults = [word for name in chosen for word in ("--fault", name)]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "certify",
            "drill",
            "--profile",
            "finance",
            "--out",
            f"{folder}/drill",
            *faults,
        ]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
