"""A JVM with the broker's class path, and the processes that it runs."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from certify_stack.embedded.kafka import config
from certify_stack.embedded.kafka.java import Java
from certify_stack.embedded.procs import dying_with_caller

BROKER = "kafka.Kafka"
STORAGE_TOOL = "kafka.tools.StorageTool"
STARTED = "Kafka Server started"
_LOG_LINES = 15


@dataclass(frozen=True)
class Runtime:
    """What runs: Java, the jars and, where there is one, the archive of classes that makes it start sooner."""

    java: Java
    jars: tuple[Path, ...]
    archive: Path | None = None

    @property
    def class_path(self) -> str:
        """As Java takes it. Archives are valid for the very same text only."""
        return ":".join(str(jar) for jar in self.jars)

    @property
    def key(self) -> str:
        """Changes with the build of Java, the jars, their place and the options."""
        java = self.java
        return config.key(java.executable.resolve(), java.build, self.class_path, *config.flags(java))

    def without_archive(self) -> Runtime:
        """The same, slower."""
        return replace(self, archive=None)

    def command(self, main: str, *arguments: str | Path, extra: tuple[str, ...] = ()) -> list[str | Path]:
        """The command line of a Java program."""
        archive = () if self.archive is None else (f"{_use(self.java)}={self.archive}",)
        return [
            self.java.executable,
            *config.flags(self.java),
            *archive,
            *extra,
            "-cp",
            self.class_path,
            main,
            *arguments,
        ]

    def spawn(self, folder: Path, output: IO[bytes], *, extra: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the broker of `folder`, as the current user. It ends with the thread that calls this, so call from the main one."""
        temporary = folder / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)
        own = (f"-Djava.io.tmpdir={temporary}", f"-XX:ErrorFile={folder / 'hs_err.log'}", *extra)
        return subprocess.Popen(
            self.command(BROKER, folder / "server.properties", extra=own),
            env=environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Its own session, so that a Ctrl-C in the terminal reaches only its owner, who stops it in order.
            start_new_session=True,
            preexec_fn=dying_with_caller(signal.SIGKILL),  # noqa: PLW1509 - one prctl call, resolved before the fork
        )


def trains(java: Java, archive: Path) -> str:
    """The option with which a run writes an archive when it ends."""
    return f"-XX:AOTCacheOutput={archive}" if _has_aot(java) else f"-XX:ArchiveClassesAtExit={archive}"


def environment() -> dict[str, str]:
    """What Java sees: nothing of ours, so that a JAVA_TOOL_OPTIONS or CLASSPATH of the caller changes nothing."""
    return {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def log_tail(log: Path, offset: int = 0) -> str:
    """The last lines of a log from `offset` on."""
    with log.open("rb") as file:
        file.seek(offset)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-_LOG_LINES:])


def _use(java: Java) -> str:
    return "-XX:AOTCache" if _has_aot(java) else "-XX:SharedArchiveFile"


def _has_aot(java: Java) -> bool:
    """Whether one run can write an ahead-of-time cache (JEP 514); before that, class data sharing does the same by halves."""
    return java.feature >= 25
