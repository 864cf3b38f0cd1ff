"""Subgraphs as SDL files: one file each, named after it."""

from pathlib import Path
from typing import Final

from msgspec.structs import replace

from certify_checks.federation.elements import Elements, of_document
from certify_checks.federation.model import Fetched, Subgraph
from certify_checks.federation.sdl import document_of

_SUFFIXES: Final = (".graphql", ".graphqls", ".gql")
_ALONE: Final = "there is a file of it, and no running service"
Found = list[tuple[Subgraph, str]]


def read(folder: Path) -> Found:
    """Every subgraph in `folder`, by name, with its SDL; a file that cannot be read is one that is not there."""
    found: Found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file() and path.suffix in _SUFFIXES:
            found.append(_subgraph(path))
    return found


def _subgraph(path: Path) -> tuple[Subgraph, str]:
    try:
        return Subgraph(path.stem), path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return Subgraph(path.stem, state=Fetched.INVALID, detail=f"{path.name}: {error}"), ""


def compared(running: Found, files: Found) -> Found:
    """Running subgraphs with the coordinates in which their files differ from what they tell."""
    texts = {about.name: (about, sdl) for about, sdl in files}
    found: Found = []
    for about, sdl in running:
        if about.state is Fetched.OK:
            known, text = texts.get(about.name, (None, ""))
            drift = (
                ("there is no file of it",) if known is None else (known.detail,) if known.detail else _drift(sdl, text)
            )
            found.append((replace(about, drift=drift), sdl))
        else:
            found.append((about, sdl))
    names = {about.name for about, _ in running}
    lost = [name for name in texts if name not in names]
    return [*found, *((Subgraph(name, state=Fetched.UNREACHABLE, detail=_ALONE), "") for name in lost)]


def _drift(one: str, other: str) -> tuple[str, ...]:
    left, right = _plain(one), _plain(other)
    return tuple(sorted(name for name in {*left, *right} if left.get(name) != right.get(name)))


def _plain(sdl: str) -> Elements:
    """What counts as the same: not where it is written, nor how it is described."""
    document = document_of(sdl)
    found = of_document(document) if document else {}
    return {name: replace(element, line=0, described=False) for name, element in found.items()}
