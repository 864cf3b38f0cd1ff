"""The image of a gateway that has composed its subgraphs already: made once, so that later ones start in a quarter of the time.

It belongs to one build of Node, one bundle and one set of schemas, which its name stands for. The addresses of the subgraphs and the
key of the run are told to each gateway that starts from it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from certify_stack.embedded.housekeeping import used
from certify_stack.embedded.procs import dying_with_caller
from certify_stack.gateway.process import IMAGE_BUNDLE, Subgraph, configuration, environment, image_writer

_PREFIX = "gateway-"
_SUFFIX = ".image"
_SECONDS = 60
# Each takes 12 MB. Whoever uses one has read it whole at its start.
_KEPT = 5
_NO_TRUST = dict.fromkeys(("publicKey", "issuer", "audience", "algorithm"), "")


def place(folder: Path, node: Path, subgraphs: Sequence[Subgraph]) -> Path | None:
    """Where the image of these subgraphs belongs; None where there is nothing to make one of."""
    made_of = hashlib.sha256()
    try:
        for program in (node, IMAGE_BUNDLE):
            seen = program.stat()
            made_of.update(f"{program} {seen.st_size} {seen.st_mtime_ns}\0".encode())
    except OSError:
        return None
    for subgraph in subgraphs:
        made_of.update(json.dumps([subgraph.name, subgraph.sdl]).encode())
    return folder / f"{_PREFIX}{made_of.hexdigest()[:32]}{_SUFFIX}"


def usable(image: Path) -> bool:
    """Whether it is there; marks it as used now."""
    return used(image)


def make(target: Path, node: Path, subgraphs: Sequence[Subgraph]) -> bool:
    """Write it, in one step; whether that worked. Where it does not, that only costs time."""
    with (
        suppress(OSError, subprocess.TimeoutExpired),
        tempfile.TemporaryDirectory(prefix=".image-", dir=target.parent) as work,
    ):
        image, told = Path(work) / "image", Path(work) / "subgraphs.json"
        told.write_text(configuration(subgraphs, _NO_TRUST, cache=target.parent), encoding="utf-8")
        done = subprocess.run(
            image_writer(node, image, told),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            preexec_fn=dying_with_caller(),
        )
        if done.returncode == 0 and image.is_file():
            image.replace(target)
            _forget_others(target)
            return True
    return False


def _forget_others(made: Path) -> None:
    images = sorted(made.parent.glob(f"{_PREFIX}*{_SUFFIX}"), key=lambda image: -image.stat().st_mtime)
    for image in images[_KEPT:]:
        image.unlink(missing_ok=True)
