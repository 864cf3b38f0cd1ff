"""Makes `kafka.lock.toml` anew: `python -m certify_stack.embedded.kafka lock [--version 4.1.2]`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from certify_stack.embedded.kafka import maven
from certify_stack.embedded.kafka.lockfile import Jar, Lock, sha256

_SCALA = "2.13"
_LOGGING = "org.apache.logging.log4j"
# What Maven counts in, but no class of the rest refers to at run time.
_LEFT_OUT = frozenset({"scala-reflect"})


def resolve(version: str) -> Lock:
    """Ask the user's Maven repositories what Kafka of this version needs at run time, fetch it and note its checksums."""
    with tempfile.TemporaryDirectory(prefix="certify-kafka-lock-") as folder:
        context = maven.context(Path(folder))
        artifacts = _closure(context, f"org.apache.kafka:kafka_{_SCALA}:{version}")
        log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
        # The binding between the logging interface and its implementation is left to the distribution.
        artifacts += [
            a for a in _closure(context, f"{_LOGGING}:log4j-slf4j-impl:{log4j}") if a.artifactId == "log4j-slf4j-impl"
        ]
        jars = [_jar(artifact) for artifact in artifacts if artifact.artifactId not in _LEFT_OUT]
    return Lock(version, tuple(sorted(jars, key=lambda jar: jar.file_name)))


def _closure(context: Any, coordinate: str) -> list[Any]:
    # The "!" makes versions come from the component's own dependencies, as Maven does, not from what its parents recommend.
    dependency = context.create_dependency(f"{coordinate}!")
    inputs, others = context.resolver.resolve([dependency])
    return [found.artifact for found in (*inputs, *others) if found.scope not in {"provided", "system", "test"}]


def _jar(artifact: Any) -> Jar:
    path = Path(artifact.resolve())
    jar = Jar(artifact.groupId, artifact.artifactId, artifact.version, sha256(path), path.stat().st_size)
    if jar.file_name != path.name:
        raise ValueError(f"{jar.coordinate}: the file is named {path.name}, which the lock cannot express")
    return jar
