"""Small projects from Debian's base image, and certify on them as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

PROFILE = """\
profile: brief
extends: [boot]
controls: {BOOT-HEALTH-01: {with: {window: 1 s, interval: 200 ms}}}
"""
# Answers every request at port 80, until it is told to end.
ANSWERING = (
    "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1);"
    'while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\n"; close $c }'
)

Services = dict[str, dict[str, Any]]


class Small:
    """Makes services."""

    @staticmethod
    def shell(command: str, **more: Any) -> dict[str, Any]:
        """One that runs a shell command; `$` is Compose's, so it is doubled."""
        return {
            "image": "debian:bookworm-slim",
            "init": True,
            "command": ["sh", "-c", command.replace("$", "$$")],
            "stop_grace_period": "1s",
            **more,
        }

    @staticmethod
    def answering(source: str = ANSWERING, **more: Any) -> dict[str, Any]:
        """One that serves port 80."""
        return Small.shell("true", **more) | {"command": ["perl", "-e", source.replace("$", "$$")]}

    @staticmethod
    def checked(command: str, *test: str, **more: Any) -> dict[str, Any]:
        """One with a health check that is asked often."""
        check = {"test": list(test), "interval": "300ms", "timeout": "2s", "retries": 2}
        return Small.shell(command, healthcheck=check, **more)


class Ran(NamedTuple):
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.out / "record.json").read_bytes())
        return record

    def ledger(self, kind: str) -> list[str]:
        return [entry["text"] for entry in self.record["ledger"] if entry["kind"] == kind]


class Folder:
    """A user's folder with compose files and a profile like `boot` that watches more briefly."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.profile(PROFILE)

    def profile(self, text: str) -> None:
        (self.path / "brief.yaml").write_text(text, encoding="utf-8")

    def write(self, services: Services, name: str = "compose.yaml", **more: Any) -> str:
        (self.path / name).write_text(json.dumps({"services": services} | more), encoding="utf-8")
        return name

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "certify", *arguments],
            cwd=self.path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Ran:
        try:
            stdout, stderr = process.communicate(timeout=400)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise AssertionError(process.communicate()) from None
        return Ran(process.returncode, stdout, stderr, self.path / "certification")

    def certify(self, *files: str, profile: str = "brief.yaml", **environment: str) -> Ran:
        chosen = [part for file in files for part in ("--compose", file)]
        return self.finish(self.start("--profile", profile, *chosen, "--progress", "plain", **environment))


@pytest.fixture(scope="session")
def docker() -> str:
    return shutil.which("docker") or ""


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, require: Callable[[str, object], None], docker: str) -> None:
    """Only tests that are marked so need an engine."""
    if request.node.get_closest_marker("docker"):
        answers = docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode
        require("docker", answers)


@pytest.fixture
def small() -> type[Small]:
    return Small


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def run_id() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
def left_of(docker: str) -> Callable[[str], str]:
    """Containers, networks and volumes that still carry a run's label; of any run of certify without one."""

    def left(run_id: str = "") -> str:
        label = "label=dev.certify.run" + (f"={run_id}" if run_id else "")
        commands = (["ps", "--all"], ["network", "ls"], ["volume", "ls"])
        return "".join(
            subprocess.run(
                [docker, *command, "--quiet", "--filter", label], capture_output=True, text=True, check=True
            ).stdout
            for command in commands
        )

    return left


@pytest.fixture
def connected() -> Iterator[Callable[[], Any]]:
    """Gives clients of the engine, and closes them."""
    import docker as sdk

    made: list[Any] = []

    def connect() -> Any:
        made.append(sdk.from_env())
        return made[-1]

    yield connect
    for one in made:
        one.close()
