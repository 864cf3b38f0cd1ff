"""Resolves the locks anew: `./dev lock [--upgrade]`. They hold hashes and no addresses; the client's registry serves them."""

import shutil
import subprocess
import sys

LOCKS = {"stack": ("--group", "build"), "dev": ("--group", "build", "--group", "dev", "-c", "requirements/stack.txt")}


def main() -> int:
    """Write requirements/stack.txt and, on top of it, requirements/dev.txt."""
    if not shutil.which("uv"):
        sys.stderr.write("lock: needs the resolver uv (pip install uv)\n")
        return 2
    common = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    common += ["--no-annotate", "--custom-compile-command", "./dev lock", "--extra", "stack", *sys.argv[1:]]
    for name, more in LOCKS.items():
        subprocess.run([*common, *more, "pyproject.toml", "-o", f"requirements/{name}.txt"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
