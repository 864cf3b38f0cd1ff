"""The Compose command line: config, build, up. Argument lists, never a shell."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from certify.drivers.interface import EnvironmentUnusableError
from certify.model.escape import visible
from certify.processes import die_with_parent

OLDEST = (2, 20)
_ASK_SECONDS = 60
_USUAL_HOST = "unix:///var/run/docker.sock"
_UNSET = re.compile(r'The \\?"(?P<name>[^"\\]+)\\?" variable is not set')
_CURE = "install Docker Engine with the Compose plugin, start it, and see that `docker compose version` answers"
# What the client says when it is the machine, not the file, that stands in the way.
_ENVIRONMENT = (
    ("permission denied while trying to connect", "add this user to the group `docker`, or use a rootless engine"),
    ("cannot connect to the docker daemon", _CURE),
    ("is the docker daemon running", _CURE),
    ("no space left on device", "free some disk space, for example with `docker system prune`"),
    ("dial tcp", "let this machine reach the image registry, or load the image with `docker load`"),
    ("i/o timeout", "let this machine reach the image registry, or load the image with `docker load`"),
    ("tls handshake timeout", "let this machine reach the image registry, or load the image with `docker load`"),
    ("pool overlaps", "another project has this subnet: take it down first, or leave the subnet to the engine"),
    ("toomanyrequests", "the image registry limits this machine: log in, or wait"),
)


class ComposeFileError(Exception):
    """The compose files cannot be used; the message is Compose's own."""


class Spoken(msgspec.Struct, frozen=True):
    """What a command came to; `text` is both of its outputs."""

    code: int
    output: str
    text: str


def client() -> str:
    """The Docker client.

    Raises:
        EnvironmentUnusableError: there is none here.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise EnvironmentUnusableError(f"there is no `docker` command on this machine\ncure: {_CURE}")
    return docker


def ask(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Spoken:
    """Run a `docker compose` command that only tells something; `environment` is beside that of this process.

    Raises:
        EnvironmentUnusableError: there is no client, or it does not answer.
    """
    try:
        done = subprocess.run(
            [client(), "compose", "--ansi", "never", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentUnusableError(f"`docker compose` does not answer: {error}\ncure: {_CURE}") from error
    output = done.stdout.decode(errors="replace")
    return Spoken(done.returncode, output, output + done.stderr.decode(errors="replace"))


async def run(arguments: Sequence[str], folder: Path, log: Path) -> Spoken:
    """Run a `docker compose` command that takes its time; what it says goes to `log` as it says it."""
    with log.open("ab") as file:
        began = file.tell()
        process = await asyncio.create_subprocess_exec(
            *(client(), "compose", "--ansi", "never", "--progress", "plain", *arguments),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    text = await asyncio.to_thread(_rest, log, began)
    return Spoken(code, text, text)


def _rest(log: Path, began: int) -> str:
    return log.read_bytes()[began:].decode(errors="replace")


def version(folder: Path) -> str:
    """Compose's version.

    Raises:
        EnvironmentUnusableError: it is absent or too old.
    """
    spoken = ask(["version", "--short"], folder)
    told = spoken.output.strip()
    numbers = tuple(int(number) for number in re.findall(r"\d+", told)[:2])
    if spoken.code or not numbers:
        raise EnvironmentUnusableError(f"`docker compose` does not answer: {visible(spoken.text[:300])}\ncure: {_CURE}")
    if numbers < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise EnvironmentUnusableError(f"Compose {told} is too old: certify needs {wanted} or later\ncure: update it")
    return told


def host(folder: Path) -> str:
    """Where the engine of the client's chosen context is; empty: where every client looks by itself."""
    if os.environ.get("DOCKER_HOST"):
        return ""
    try:
        done = subprocess.run(
            [client(), "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    told = done.stdout.decode(errors="replace").strip()
    return told if done.returncode == 0 and told != _USUAL_HOST else ""


def resolve(
    files: Sequence[Path],
    folder: Path,
    name: str,
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The files as Compose understands them (environment, includes, overrides, profiles), and the unset variables.

    `environment` holds variables beside those of this process, `options` what `docker compose config` is told beside.

    Raises:
        ComposeFileError: Compose refuses them.
        EnvironmentUnusableError: there is no usable Compose here.
    """
    chosen = [part for file in files for part in ("--file", str(file))]
    spoken = ask(["--project-name", name, *chosen, "config", "--format", "json", *options], folder, environment)
    if spoken.code:
        told = visible(spoken.text.strip()[-2_000:], lines=True)
        raise ComposeFileError(
            f"the compose files cannot be used: {told}\ncure: see that `docker compose config` takes them"
        )
    unset = dict.fromkeys(match["name"] for match in _UNSET.finditer(spoken.text))
    try:
        return msgspec.json.decode(spoken.output, type=dict[str, Any]), tuple(unset)
    except msgspec.MsgspecError as error:
        raise ComposeFileError(f"`docker compose config` did not answer with JSON: {error}") from error


def environment_trouble(text: str) -> str:
    """The cure when what Compose said is the machine's fault; empty when it is the file's."""
    lowered = text.lower()
    return next((cure for said, cure in _ENVIRONMENT if said in lowered), "")
