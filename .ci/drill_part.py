"""Drills one fault in twenty, others with every commit.

Left to the night: `owasp.dependencies`, which needs the advisory service, and what takes minutes: loads and the coverage of suites.
"""

import subprocess
import sys
import tempfile

from certify.drill.catalogue import discover_faults

PARTS = 20
NIGHTLY = ("owasp.dependencies", "load.", "coverage.")


def main() -> int:
    """Choose by the commit's number; exit with the status of the drill."""
    number = ("git", "rev-list", "--count", "HEAD")
    count = subprocess.run(number, capture_output=True, text=True, check=True).stdout
    faults = discover_faults().values()
    names = [fault.name for fault in faults if not any(rule.startswith(NIGHTLY) for rule in fault.caught_by)]
    chosen = [name for at, name in enumerate(names) if at % PARTS == int(count) % PARTS]
    print(f"{len(chosen)} of {len(names)} faults: {', '.join(chosen)}", flush=True)
    words = [word for name in chosen for word in ("--fault", name)]
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
            *words,
        ]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
