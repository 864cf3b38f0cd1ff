"""A formatted data folder: made once per version and configuration, then copied, because formatting starts a JVM."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from certify_stack.embedded.kafka import cache, config
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell
from certify_stack.embedded.kafka.lockfile import Lock
from certify_stack.embedded.kafka.runtime import STORAGE_TOOL, Runtime, environment
from certify_stack.embedded.procs import dying_with_caller

_META = "meta.properties"
_CLUSTER = "cluster.id="
_SECONDS = 60
_LOG_LINES = 15
# Formatting insists on a port for the only voter; it tells its real one as soon as it runs.
_PLACEHOLDER_PORT = 9


def template(lock: Lock, runtime: Runtime, tell: Tell) -> Path:
    """The cached formatted folder, formatted now where there is none."""
    root = cache.root()
    target = root / f"kafka-data-{config.key(lock.key, config.properties(Path('data'), 0))}"
    if not _usable(target):
        with cache.locked(root, tell), cache.workplace(root) as work:
            if not _usable(target):
                tell(Progress("formatting an empty broker"))
                _format(runtime, work)
                shutil.rmtree(target, ignore_errors=True)
                (work / "data").rename(target)
    return target


def create(formatted: Path, data: Path) -> str:
    """Copy a formatted folder to `data`, which must not exist, and give it a new cluster id, which is returned."""
    shutil.copytree(formatted, data)
    cluster = new_cluster_id()
    meta = data / _META
    lines = [line for line in meta.read_text(encoding="utf-8").splitlines() if not line.startswith(("#", _CLUSTER))]
    meta.write_text("\n".join([*lines, f"{_CLUSTER}{cluster}", ""]), encoding="utf-8")
    return cluster


def cluster_of(data: Path) -> str:
    """The cluster id of a data folder.

    Raises:
        KafkaError: It holds none.
    """
    try:
        lines = (data / _META).read_text(encoding="utf-8").splitlines()
        return next(line.removeprefix(_CLUSTER) for line in lines if line.startswith(_CLUSTER))
    except (OSError, StopIteration) as error:
        raise KafkaError(f"{data} is not a data folder of Kafka: {error!r}") from error


def new_cluster_id() -> str:
    """A random UUID as Kafka writes it. One that begins with a dash would look like an option to its tools."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def _format(runtime: Runtime, work: Path) -> None:
    settings = work / "server.properties"
    settings.write_text(config.properties(work / "data", 0, _PLACEHOLDER_PORT), encoding="ascii")
    arguments = ("format", "--standalone", "--cluster-id", new_cluster_id(), "--config", settings)
    done = subprocess.run(
        runtime.command(STORAGE_TOOL, *arguments, extra=(f"-Djava.io.tmpdir={work}",)),
        env=environment(),
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
        preexec_fn=dying_with_caller(),
    )
    if done.returncode or not _usable(work / "data"):
        tail = "\n".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise KafkaError(f"Kafka's storage tool ended with {done.returncode}:\n{tail}")


def _usable(folder: Path) -> bool:
    return (folder / _META).is_file() and (folder / "__cluster_metadata-0").is_dir()
