"""Clusters with the services' databases in them: for one source only, whole or not kept, without anybody's password."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certify_stack.embedded import postgres, prepared, preparing
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.copying import copy_tree
from certify_stack.kit import migrate

SERVICES = ("crm", "hr")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, where the server's account can reach it."""
    root = Path(tempfile.mkdtemp(prefix="certify-test-", dir=postgres.disk_root()))
    root.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(root))
    yield root
    shutil.rmtree(root)


def query(dsn: str, sql: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_it_is_made_whole_copied_and_opened_with_new_passwords(cache: Path, tmp_path: Path):
    target = prepared.place(SERVICES)
    assert target is not None
    assert target.is_relative_to(cache)
    assert prepared.services_of(target) is None
    assert preparing.make(SERVICES, None, target, tmp_path / "spare") == 0
    assert prepared.services_of(target) == {"crm", "hr"}
    assert not (tmp_path / "spare").exists()
    # What the server makes again when it needs it is not copied.
    assert not [*target.rglob("*_fsm"), *target.rglob("*_vm")]
    assert len([path for path in (target / "pg_wal").iterdir() if path.is_file()]) == 1
    with postgres.temporary(target) as server:
        assert (
            query(
                server.dsn(),
                "SELECT count(*) FROM pg_authid WHERE rolname IN ('crm', 'hr') AND rolpassword IS NULL",
            )
            == 2
        )
        dsns = asyncio.run(server.hand_out(SERVICES))
        assert query(dsns["crm"], "SELECT count(*) FROM customer") == 50
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            query(dsns["crm"].removesuffix("/crm") + "/hr", "SELECT 1")


def test_one_that_a_service_could_not_be_migrated_in_is_for_this_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usual = migrate.upgrade_async

    async def failing(dsn: str, service: str, scripts: Path | None = None) -> None:
        if service == "hr":
            raise RuntimeError("no such column")
        await usual(dsn, service, scripts)

    monkeypatch.setattr(migrate, "upgrade_async", failing)
    target = prepared.place(SERVICES)
    assert target is not None
    assert preparing.make(SERVICES, None, target, tmp_path / "spare") == 0
    assert not target.exists()
    assert prepared.services_of(tmp_path / "spare") == {"crm"}


def test_another_source_and_other_services_have_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = prepared.place(SERVICES)
    assert first == prepared.place(SERVICES)
    assert first != prepared.place(("crm",))
    source = tmp_path / "package"
    for part in ("erp", "kit", "embedded"):
        (source / part).mkdir(parents=True)
    for name in ("administration", "preparing"):
        (source / "embedded" / f"{name}.py").touch()
    monkeypatch.setattr(prepared, "_PACKAGE", source)
    empty = prepared.place(SERVICES)
    (source / "erp" / "seed.py").write_text("SIZE = 1\n")
    one = prepared.place(SERVICES)
    (source / "erp" / "seed.py").write_text("SIZE = 2\n")
    two = prepared.place(SERVICES)
    (source / "embedded" / "administration.py").write_text("GRANTS = 1\n")
    assert len({first, empty, one, two, prepared.place(SERVICES)}) == 5


def test_what_nobody_uses_any_more_goes(tmp_path: Path):
    folders = [
        tmp_path / name for name in (*(f"prepared-{number}" for number in range(5)), ".prepared-half", ".going-1")
    ]
    for age, folder in enumerate(folders):
        folder.mkdir()
        (folder / prepared.MANIFEST).write_text('["crm"]')
        os.utime(folder, (time.time() - 3600 * age,) * 2)
    for name in ("prepared-recent", ".prepared-under-way"):
        (tmp_path / name).mkdir()
    assert prepared.use(folders[4])
    kept = {"prepared-0", "prepared-4", "prepared-recent", ".prepared-under-way"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert not prepared.use(folders[3])
    assert not prepared.use(tmp_path / "prepared-recent"), "half of one is none"


def test_a_manifest_of_somebody_or_something_else_is_none(tmp_path: Path):
    (tmp_path / prepared.MANIFEST).write_text("{")
    assert prepared.services_of(tmp_path) is None


def test_a_copy_belongs_to_the_account_alone(tmp_path: Path):
    source = tmp_path / "source"
    (source / "base" / "1").mkdir(parents=True)
    (source / "base" / "1" / "2601").write_bytes(b"x" * 100_000)
    (source / "empty").touch(0o666)
    account = unprivileged()
    copy_tree(source, tmp_path / "copy", account)
    copied = sorted((tmp_path / "copy").rglob("*"))
    assert [path.name for path in copied] == ["base", "1", "2601", "empty"]
    assert (tmp_path / "copy/base/1/2601").read_bytes() == b"x" * 100_000
    for path in (tmp_path / "copy", *copied):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
        assert path.stat().st_uid == account.uid


def test_a_copy_follows_no_link(tmp_path: Path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic link"):
        copy_tree(tmp_path / "source", tmp_path / "copy", unprivileged())
