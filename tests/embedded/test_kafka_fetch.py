"""The broker's jars come from a repository of the test's own on 127.0.0.1, over the same way as from a real one."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from certify_stack.embedded.kafka import jars, lockfile
from certify_stack.embedded.kafka.errors import KafkaError, Progress
from certify_stack.embedded.kafka.lockfile import Jar, Lock

CONTENT = {f"part{number}": bytes([number]) * (50_000 + number) for number in range(3)}


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        handler = partial(self.Handler, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.asked = self.asked  # type: ignore[attr-defined]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            self.server.asked.append(self.path)  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def path(self, jar: Jar) -> Path:
        return self.folder.joinpath(*jar.group.split("."), jar.artifact, jar.version, jar.file_name)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def lock() -> Lock:
    made = [Jar("org.example.deep", n, "1.0", hashlib.sha256(c).hexdigest(), len(c)) for n, c in CONTENT.items()]
    return Lock("1.0", tuple(made))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no local Maven repository, and a client configuration of the test's own."""
    (tmp_path / "cache").mkdir(mode=0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def repository(home: Path, lock: Lock) -> Iterator[Repository]:
    (home / "served").mkdir()
    made = Repository(home / "served")
    for jar in lock.jars:
        made.path(jar).parent.mkdir(parents=True)
        made.path(jar).write_bytes(CONTENT[jar.artifact])
    (home / "jgo.conf").write_text(f"[repositories]\ncentral = {made.url}\n")
    yield made
    made.close()


def silent(_: Progress) -> None:
    return


def test_they_are_fetched_once_with_progress_and_then_taken_from_the_cache(repository: Repository, lock: Lock) -> None:
    told: list[Progress] = []
    paths = jars.provide(lock, told.append)
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert [told[0].done, told[-1].done] == [0, lock.size]
    assert {progress.total for progress in told} == {lock.size}
    asked = len(repository.asked)
    assert jars.provide(lock, told.append) == paths
    assert len(repository.asked) == asked
    assert not list(paths[0].parent.parent.glob(".kafka-work-*"))


@pytest.mark.parametrize("same_size", [True, False])
def test_a_jar_that_was_altered_in_the_cache_is_fetched_again(
    repository: Repository, lock: Lock, *, same_size: bool
) -> None:
    first, *_ = jars.provide(lock, silent)
    original = first.read_bytes()
    first.write_bytes(b"X" * (len(original) if same_size else 5))
    repository.asked.clear()
    assert jars.provide(lock, silent)[0].read_bytes() == original
    assert {path.split("/")[-1] for path in repository.asked} <= {first.name, f"{first.name}.sha1"}


def test_a_jar_that_was_only_touched_is_hashed_and_kept(repository: Repository, lock: Lock) -> None:
    first, *_ = jars.provide(lock, silent)
    first.touch()
    repository.asked.clear()
    assert jars.provide(lock, silent)[0] == first
    assert repository.asked == []


def test_what_is_not_the_locked_file_is_refused_and_never_reaches_the_cache(
    repository: Repository, lock: Lock, home: Path
) -> None:
    repository.path(lock.jars[1]).write_bytes(b"X" * lock.jars[1].size)
    with pytest.raises(
        KafkaError, match=r"org\.example\.deep:part1:1\.0: what the Maven repository serves is not the fi"
    ):
        jars.provide(lock, silent)
    assert not list((home / "cache").rglob("part1-1.0.jar"))


def test_a_machine_without_a_network_is_told_what_is_missing_and_what_to_do(home: Path, lock: Lock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (home / "jgo.conf").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
    with pytest.raises(KafkaError) as caught:
        jars.provide(lock, silent)
    message = str(caught.value)
    assert "3 of 3 jars are missing (0.2 MB)" in message
    assert f"http://127.0.0.1:{port}" in message
    assert "Connection refused" in message
    assert "python -m certify_stack.embedded.kafka fetch" in message
    assert "jgo.conf" in message


def test_a_repository_that_lacks_one_is_named(repository: Repository, lock: Lock) -> None:
    repository.path(lock.jars[2]).unlink()
    with pytest.raises(KafkaError, match=r"1 of 3 jars|3 of 3 jars") as caught:
        jars.provide(lock, silent)
    assert "part2:1.0 cannot be fetched" in str(caught.value)


def test_the_local_maven_repository_serves_without_a_network_unless_its_file_is_wrong(
    repository: Repository, lock: Lock, home: Path
) -> None:
    good, wrong, _ = lock.jars
    for jar, content in ((good, CONTENT[good.artifact]), (wrong, b"half")):
        path = home.joinpath("m2", *jar.group.split("."), jar.artifact, jar.version, jar.file_name)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert [path.read_bytes() for path in jars.provide(lock, silent)] == list(CONTENT.values())
    assert not any(good.file_name in path for path in repository.asked)
    assert any(wrong.file_name in path for path in repository.asked)


FETCHER = """
import sys
from pathlib import Path
from certify_stack.embedded.kafka import jars, lockfile
lock = lockfile.read(Path(sys.argv[1]))
print(*jars.provide(lock, lambda _: None), sep="\\n")
"""


def test_several_runs_fetch_at_once_and_only_one_of_them_asks(repository: Repository, lock: Lock, home: Path) -> None:
    lockfile.write(lock, home / "lock.toml")
    command = [sys.executable, "-c", FETCHER, str(home / "lock.toml")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(3)]
    told = {run.communicate(timeout=60)[0] for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    (paths,) = told
    assert [Path(path).read_bytes() for path in paths.split()] == list(CONTENT.values())
    assert sum(path.endswith(".jar") for path in repository.asked) == len(lock.jars)
