"""A shape that is the user's own locustfile or k6 script: where the file is, whose tokens it gets, and what came of it."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from certify.api import Context
from certify_checks.load.config import Shape
from certify_checks.load.observing.distribution import Layout
from certify_checks.load.observing.reading import SUMMARY, Summary
from certify_checks.load.observing.unusable import UnusableError


def beside(ctx: Context, name: str, kind: str) -> str:
    """The path of the user's own file: beside the profile, else in the source root; empty when the shape names none.

    Raises:
        UnusableError: there is no such file; the reason is `no-` and its kind.
    """
    if not name:
        return ""
    profiles = [Path(folder) for folder in ctx.options.get("profiles", "").split("\n") if folder]
    tried = [folder / name for folder in (*profiles, ctx.source_root or Path())]
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        raise UnusableError(f"no-{kind}", f"there is no file {', nor '.join(map(str, tried))}")
    return str(found.resolve())


def alone(shape: Shape, parts: Layout | None) -> Layout | None:
    """How the load is shared; a locustfile and a k6 script are not.

    Raises:
        UnusableError: it was to be.
    """
    if shape.k6 and parts:
        raise UnusableError(
            "k6-shared", "k6 works on all cores by itself, and the load is to be shared by several processes"
        )
    if shape.locustfile and parts:
        raise UnusableError(
            "locustfile-shared", "users of a locustfile are made by one process, and the load is shared by several"
        )
    return parts


def roles_of(ctx: Context, shape: Shape, role: str) -> set[str]:
    """Whose tokens a script gets: those of all users that are known, for nobody can tell whom it is."""
    return {role, *ctx.stack.credentials.get("users", {})} if shape.script else set()


def blank(log: Path, tokens: Iterable[str]) -> None:
    """Take tokens out of a log: a script prints what it wants, and evidence is shown to others."""
    if log.exists():
        told = log.read_bytes()
        for token in filter(None, tokens):
            told = told.replace(token.encode(), b"(token)")
        log.write_bytes(told)


def names_of(folder: Path, shape: Shape) -> list[str]:
    """The names of operations in the order of the generator's numbers.

    Raises:
        UnusableError: something went wrong in the locustfile.
    """
    if not shape.script:
        return [operation.name for operation in shape.operations]
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    if summary.problem:
        raise UnusableError("locustfile-failed", summary.problem)
    return list(summary.names)
