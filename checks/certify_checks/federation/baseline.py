"""Finds the schema of before: a file, a file at a git revision, or what the previous certificate sealed."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from certify_checks.children import die_with_parent, end
from certify_checks.federation.graph import read
from certify_checks.federation.model import Baseline

_GIT: Final = "git:"
_SECONDS: Final = 10.0
SUPERGRAPH: Final = "supergraph.graphql"


async def find(wanted: str, folders: Iterable[Path], previous: Path | None) -> tuple[Baseline, str]:
    """The baseline and its text.

    `wanted` is a path, looked for in `folders`, or `git:REVISION:PATH` in the first of them that is in a repository; when
    it is empty, the previous certificate's schema is taken. No origin: there is none.
    """
    if wanted.startswith(_GIT):
        return _made(wanted, *await _from_git(wanted.removeprefix(_GIT), folders))
    if wanted:
        return _made(wanted, *_from_folders(wanted, folders))
    sealed = _sealed(previous) if previous else []
    return _made("the previous certificate", *_from_file(sealed[0])) if sealed else (Baseline(), "")


def _made(origin: str, text: str, problem: str) -> tuple[Baseline, str]:
    graph = read(text) if text else None
    if graph is None or not graph.elements:
        return Baseline(origin, problem=problem or "it holds no schema"), ""
    return Baseline(origin, graph), text


def _sealed(certificate: Path) -> list[Path]:
    return sorted(certificate.glob(f"evidence/*/{SUPERGRAPH}"))


def _from_folders(name: str, folders: Iterable[Path]) -> tuple[str, str]:
    near = [folder / name for folder in folders]
    path = next((path for path in near if path.is_file()), None)
    return _from_file(path) if path else ("", f"there is no such file in {', '.join(str(p.parent) for p in near)}")


def _from_file(path: Path) -> tuple[str, str]:
    try:
        return path.read_text(encoding="utf-8"), ""
    except (OSError, ValueError) as error:
        return "", str(error)


async def _from_git(place: str, folders: Iterable[Path]) -> tuple[str, str]:
    problem = "no folder is in a git repository"
    for folder in folders:
        # A revision cannot begin with a dash here, which git would take for an option.
        process = await asyncio.create_subprocess_exec(
            *("git", "-C", str(folder), "cat-file", "blob", "--end-of-options", place),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent(),
        )
        try:
            told, log = await asyncio.wait_for(process.communicate(), _SECONDS)
        except TimeoutError:
            return "", f"git gave no answer within {_SECONDS:g} s"
        finally:
            await end(process)
        if process.returncode == 0:
            return told.decode(errors="replace"), ""
        problem = log.decode(errors="replace").strip()[:300]
    return "", problem
