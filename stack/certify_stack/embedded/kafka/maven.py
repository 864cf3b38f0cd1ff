"""Fetches jars with `jgo` in pure Python, from the repositories that its user configured.

Imported only where something has to be fetched: the import takes 0.3 s. Of jgo's settings only the repositories and the place of
the local repository count here; its cache, its shortcuts and its Java options do not.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from certify_stack.embedded.kafka.errors import KafkaError
from certify_stack.embedded.kafka.lockfile import Jar, sha256

_TIMEOUT_SECONDS = 20
_PARALLEL = 4

Counted = Callable[[int], None]


def fetch(jars: tuple[Jar, ...], target: Path, scratch: Path, count: Counted) -> None:
    """Put `jars` into `target`, each only after its checksum was found right; `count` is told of bytes as they come.

    Each jar is first looked for in the user's local Maven repository, which is only read.

    Raises:
        KafkaError: A jar cannot be had, or is not what the lock says.
    """
    local = GlobalSettings.load().repo_cache
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="fetch-jars") as pool:
        tasks = [pool.submit(_fetch_one, jar, local, target, scratch, count) for jar in jars]
        try:
            for task in as_completed(tasks):
                task.result()
        except KafkaError:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def context(repository: Path, count: Counted | None = None) -> MavenContext:
    """The user's repositories, with `repository` as the local one that is written to."""

    def progress(_name: str, _total: int) -> AbstractContextManager[Counted]:
        return _counting(count or (lambda _bytes: None))

    made = MavenContext(
        resolver=PythonResolver(progress_callback=progress), repo_cache=repository, timeout=_TIMEOUT_SECONDS
    )
    made.remote_repos.update(GlobalSettings.load().repositories)
    return made


def _fetch_one(jar: Jar, local: Path, target: Path, scratch: Path, count: Counted) -> None:
    found = local.joinpath(*jar.group.split("."), jar.artifact, jar.version, jar.file_name)
    work = scratch / jar.file_name
    if _is(found, jar):
        shutil.copyfile(found, work)
        count(jar.size)
    else:
        _download(jar, scratch, count).replace(work)
    if not _is(work, jar):
        raise KafkaError(
            f"{jar.coordinate}: what the Maven repository serves is not the file that was locked (SHA-256 {sha256(work)}, "
            f"expected {jar.sha256}); it was changed there or on its way. Nothing of it is used"
        )
    work.replace(target / jar.file_name)


def _download(jar: Jar, scratch: Path, count: Counted) -> Path:
    maven = context(scratch / "repository", count)
    try:
        artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        return Path(artifact.resolve())
    except (requests.RequestException, OSError, RuntimeError, AssertionError) as error:
        # jgo leaves the answer of a repository that lacks the file open, in its frames.
        traceback.clear_frames(error.__traceback__)
        asked = ", ".join(maven.remote_repos.values())
        raise KafkaError(f"{jar.coordinate} cannot be fetched (asked: {asked}): {_short(error)}") from error


def _is(path: Path, jar: Jar) -> bool:
    return path.is_file() and path.stat().st_size == jar.size and sha256(path) == jar.sha256


def _short(error: BaseException) -> str:
    """The innermost cause: what the HTTP library wraps around it helps nobody."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"[:300]


@contextmanager
def _counting(count: Counted) -> Iterator[Counted]:
    yield count
