"""All that a broker needs before its first start, made once per machine and user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certify_stack.embedded.kafka import archive, furnished, jars, java, lockfile, storage
from certify_stack.embedded.kafka.errors import Tell
from certify_stack.embedded.kafka.runtime import Runtime


@dataclass(frozen=True)
class Installation:
    """What runs, and a formatted data folder to copy."""

    version: str
    runtime: Runtime
    formatted: Path


def prepare(tell: Tell, topics: Sequence[str] = ()) -> Installation:
    """Fetch, format and train what is not in the user's cache yet; a few milliseconds when all of it is.

    The first time takes some ten seconds, with a network; `tell` hears how far it is. A folder that has these `topics` already is
    made as well.

    Raises:
        KafkaError: Something cannot be had; says what and how to get it.
    """
    lock = lockfile.read()
    runtime = Runtime(java.find(), jars.provide(lock, tell))
    formatted = storage.template(lock, runtime, tell)
    runtime = replace(runtime, archive=archive.provide(runtime, formatted, tell))
    if topics:
        furnished.provide(runtime, formatted, topics, tell)
    return Installation(lock.version, runtime, formatted)
