"""Everything that is checked without running the product: `./dev lint`. Ends with the first status that is not 0."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PYTHON = sys.executable
FOLDERS = ("certify", "checks", "reports", "stack", "tests", "benchmarks", ".ci", "hatch_build.py")
CHECKS: dict[str, Sequence[str]] = {
    "format": (PYTHON, "-m", "ruff", "format", "--check", *FOLDERS),
    "lint": (PYTHON, "-m", "ruff", "check", *FOLDERS),
    "types": (PYTHON, "-m", "mypy"),
    "architecture": (PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()"),
    # A program without a module. Strict, because it otherwise passes a file that it could not read.
    "workflows": (
        *(str(Path(PYTHON).parent / "zizmor"), "--offline", "--no-progress", "--quiet", "--strict-collection"),
        *(".github/workflows", "action.yml"),
    ),
}


def main() -> int:
    """Run all checks, also after one failed, and say which ones failed."""
    failed = []
    for name, command in CHECKS.items():
        print(f"== {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all clean", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
