"""A shape that is the user's own locustfile: where the file is, whose tokens it gets, and what came of it."""

from pathlib import Path

import msgspec

from certify.api import Context
from certify_checks.load.config import Shape
from certify_checks.load.observing.distribution import Layout
from certify_checks.load.observing.reading import SUMMARY, Summary
from certify_checks.load.observing.unusable import UnusableError


def locustfile(ctx: Context, shape: Shape) -> str:
    """Its path: beside the profile, else in the source root; empty when the shape has none.

    Raises:
        UnusableError: there is no such file.
    """
    if not shape.locustfile:
        return ""
    profiles = [Path(folder) for folder in ctx.options.get("profiles", "").split("\n") if folder]
    tried = [folder / shape.locustfile for folder in (*profiles, ctx.source_root or Path())]
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        raise UnusableError("no-locustfile", f"there is no file {', nor '.join(map(str, tried))}")
    return str(found.resolve())


def alone(shape: Shape, parts: Layout | None) -> Layout | None:
    """How the load is shared; a locustfile is not.

    Raises:
        UnusableError: it was to be.
    """
    if shape.locustfile and parts:
        raise UnusableError(
            "locustfile-shared", "users of a locustfile are made by one process, and the load is shared by several"
        )
    return parts


def roles_of(ctx: Context, shape: Shape, role: str) -> set[str]:
    """Whose tokens a locustfile gets: those of all users that are known, for nobody can tell whom it is."""
    return {role, *ctx.stack.credentials.get("users", {})} if shape.locustfile else set()


def names_of(folder: Path, shape: Shape) -> list[str]:
    """The names of operations in the order of the generator's numbers.

    Raises:
        UnusableError: something went wrong in the locustfile.
    """
    if not shape.locustfile:
        return [operation.name for operation in shape.operations]
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    if summary.problem:
        raise UnusableError("locustfile-failed", summary.problem)
    return list(summary.names)
