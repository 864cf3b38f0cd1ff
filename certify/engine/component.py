"""What is certified: repository, commit and tree of the source, seen by git itself, or said to be unknown."""

import hashlib
import subprocess
from pathlib import Path

from certify.model.record import Component

_GIT_SECONDS = 30.0


def source_component(name: str, root: Path | None, own: tuple[Path, ...] = ()) -> Component:
    """The component of a source tree: `verified` by git, or `unknown` with what could be found out.

    `root` may be a folder within a repository. A tree with changes that are not committed is `dirty`; the folders in
    `own` are certify's results and no change of the source.
    """
    if root is None:
        return Component(name, "unknown")
    commit = _git(root, "rev-parse", "HEAD")
    tree = _git(root, "rev-parse", "HEAD^{tree}")
    if commit is None or tree is None or not _tracks(root):
        return Component(name, "unknown")
    remote = _git(root, "config", "--get", "remote.origin.url") or ""
    top = Path(_git(root, "rev-parse", "--show-toplevel") or root)
    results = [f":(exclude,top){path.relative_to(top)}" for path in own if path.is_relative_to(top)]
    changes = _git(root, "status", "--porcelain", "--untracked-files=normal", "--", ":(top)", *results)
    return Component(name, "verified", _public(remote), commit, tree, dirty=changes != "")


def profile_component(name: str, digest: str) -> Component:
    """The profile that the run was judged by; its digest stands in the place of a tree."""
    return Component(f"profile:{name}", "verified", tree=f"sha256:{digest}")


def digest_file(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tracks(root: Path) -> bool:
    # A wheel in a virtual environment inside a repository is not that repository's source.
    return bool(_git(root, "ls-files", "--", ".")) if root.is_dir() else False


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is wherever the user's PATH has it
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _public(remote: str) -> str:
    """A remote's address without user and password; empty for a folder of this machine, which tells others nothing."""
    scheme, separator, rest = remote.partition("://")
    if separator:
        return "" if scheme == "file" else f"{scheme}://{rest.rpartition('@')[2]}"
    host, colon, path = remote.rpartition("@")[2].partition(":")
    return f"{host}:{path}" if colon and "/" not in host else ""
