"""A data folder that holds the topics already: made once by a short life of a broker, then copied like the empty one.

Making twenty topics takes a broker 0.2 s of each boot, and everybody waits for that.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from certify_stack.embedded.kafka import cache, config, short_life
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell
from certify_stack.embedded.kafka.runtime import Runtime

_PREFIX = "kafka-topics-"
# A broker that ended in order leaves this beside its data: nothing has to be recovered.
_CLEAN = ".kafka_cleanshutdown"
# A version and its topics need one; what nobody has used for a month goes.
_KEPT_SECONDS = 30 * 24 * 3600


def find(formatted: Path, topics: Iterable[str]) -> Path:
    """The folder with these topics; the formatted one where there is none, which only costs time."""
    target = _place(formatted, tuple(topics))
    return target if (target / _CLEAN).is_file() else formatted


def provide(runtime: Runtime, formatted: Path, topics: Sequence[str], tell: Tell) -> Path:
    """The same, made now where there is none."""
    found = find(formatted, topics)
    if found != formatted:
        found.touch()
        return found
    with cache.locked(formatted.parent, tell):
        if (found := find(formatted, topics)) != formatted:
            return found
        try:
            with cache.workplace(formatted.parent) as work:
                _furnish(runtime, formatted, topics, work)
        except (KafkaError, OSError, TimeoutError, subprocess.TimeoutExpired) as error:
            tell(Progress(f"no broker could be furnished with its topics, so the stack starts more slowly: {error}"))
    return find(formatted, topics)


def _furnish(runtime: Runtime, formatted: Path, topics: Sequence[str], work: Path) -> None:
    from certify_stack.embedded.kafka import admin  # noqa: PLC0415 - this is rare, and the client's import slow

    data = short_life.live(
        runtime, formatted, work, lambda bootstrap, cluster: admin.prepare(bootstrap, cluster, topics)
    )
    target = _place(formatted, tuple(topics))
    shutil.rmtree(target, ignore_errors=True)
    data.rename(target)
    for other in target.parent.glob(f"{_PREFIX}*"):
        if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _place(formatted: Path, topics: tuple[str, ...]) -> Path:
    return formatted.parent / f"{_PREFIX}{config.key(formatted.name, *topics)}"
