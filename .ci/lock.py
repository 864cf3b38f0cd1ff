"""Resolves the locks anew: `./dev lock [--upgrade]`. They hold hashes and no addresses; the client's registry serves them."""

import shutil
import subprocess
import sys

WHOLE = ("--extra", "stack", "--group", "build", "pyproject.toml")
WITHIN = ("-c", "requirements/stack.txt")
LOCKS = {"stack": WHOLE, "dev": (*WHOLE, "--group", "dev", *WITHIN), "services": ("--group", "services", *WITHIN)}


def main() -> int:
    """Write requirements/stack.txt, on top of it requirements/dev.txt, and out of it requirements/services.txt."""
    if not shutil.which("uv"):
        sys.stderr.write("lock: needs the resolver uv (pip install uv)\n")
        return 2
    common = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    common += ["--no-annotate", "--custom-compile-command", "./dev lock", *sys.argv[1:]]
    for name, more in LOCKS.items():
        subprocess.run([*common, *more, "-o", f"requirements/{name}.txt"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
