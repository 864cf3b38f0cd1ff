"""Reads compose files and the Dockerfiles that they name, without starting anything and without an engine."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from certify.draft.dockerfile import read_dockerfile
from certify.draft.drafting import Read
from certify.draft.model import Built
from certify.drivers.compose import command
from certify.drivers.compose.command import ComposeFileError
from certify.drivers.interface import EnvironmentUnusableError

# As Compose looks for them, in this order.
USUAL: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES: Final = (
    *("compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"),
)
_PROFILES: Final = "COMPOSE_PROFILES"
_PROJECT: Final = "certify-init"
_MOST_BYTES: Final = 1 << 20
_DOCUMENTS: Final = ("openapi.json", "openapi.yaml", "openapi.yml", "swagger.json", "swagger.yaml")


def usual_files(folder: Path) -> tuple[Path, ...]:
    """The compose file of a folder, and what overrides it, as Compose finds them by itself; empty when there is none."""
    found = [folder / name for name in USUAL if (folder / name).is_file()][:1]
    return (*found, *[folder / name for name in OVERRIDES if found and (folder / name).is_file()][:1])


def read_at_rest(files: Sequence[Path], folder: Path) -> Read:
    """All that the files say, resolved as they will be when they are run from `folder`.

    Raises:
        ComposeFileError: one is missing, is not YAML, or Compose refuses them.
        EnvironmentUnusableError: there is no usable Compose here.
    """
    for file in files:
        _refuse_unreadable(file)
    command.version(folder)
    absolute = [file.absolute() for file in files]
    config, unset = command.resolve(absolute, folder, _PROJECT)
    if not config.get("services"):
        raise ComposeFileError(
            "the compose files have no services that start\ncure: set COMPOSE_PROFILES where a `profiles:` key leaves them out"
        )
    services: Mapping[str, Any] = config["services"]
    raw = _otherwise(absolute, folder, ("--no-interpolate",), {})
    whole = _otherwise(absolute, folder, (), {_PROFILES: "*"})
    written = _otherwise(absolute, folder, ("--no-interpolate",), {_PROFILES: "*"})
    return Read(
        config,
        raw,
        {name: _profiles(written, name) for name in whole.get("services") or {}},
        {name: built for name, service in services.items() if (built := _built(service))},
        unset,
    )


def _refuse_unreadable(file: Path) -> None:
    """Compose names neither the file nor, always, the line of what it cannot read."""
    try:
        if not file.is_file():
            what = "is a folder, not a compose file" if file.is_dir() else "there is no such file"
            raise ComposeFileError(f"{file}: {what}\ncure: name the compose file with --compose FILE")
        # Only the form: tags such as `!reset` are Compose's to understand.
        for _ in yaml.parse(file.read_bytes(), Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ComposeFileError(f"{file}{at}: not YAML: {error.problem or error.context}\ncure: mend the file") from None
    except (yaml.YAMLError, OSError, ValueError) as error:
        first = str(error).splitlines()[:1]
        raise ComposeFileError(f"{file}: cannot be read: {''.join(first)}\ncure: mend the file") from None


def _otherwise(
    files: Sequence[Path], folder: Path, options: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The files, resolved in another way; empty where Compose cannot do that: then less is known."""
    with contextlib.suppress(ComposeFileError, EnvironmentUnusableError):
        return command.resolve(files, folder, _PROJECT, environment, options)[0]
    return {}


def _profiles(written: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(map(str, ((written.get("services") or {}).get(name) or {}).get("profiles") or ()))


def _built(service: Mapping[str, Any]) -> Built | None:
    """What the Dockerfile of a service says; None where nothing is built, or it cannot be read here."""
    build = service.get("build")
    if not isinstance(build, Mapping):
        return None
    context = Path(str(build.get("context") or ""))
    text = build.get("dockerfile_inline") or _text(context / str(build.get("dockerfile") or "Dockerfile"))
    built = read_dockerfile(str(text or ""), str(build.get("target") or ""))
    return Built(built.base, built.health, built.ports, _documents(context))


def _documents(context: Path) -> tuple[str, ...]:
    try:
        return tuple(name for name in _DOCUMENTS if (context / name).is_file()) if context.is_dir() else ()
    except OSError:
        # An address of a repository may be no name of a folder, and a folder may be closed to this user.
        return ()


def _text(file: Path) -> str:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
