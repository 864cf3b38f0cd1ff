"""Migrations rendered to SQL: the same database as by Alembic itself, and never a stale or a wrong one."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certify_stack.embedded.postgres import PostgresServer, temporary
from certify_stack.erp import SERVICES
from certify_stack.kit import alembic_runs, migrate, scripts
from certify_stack.kit.revisions import versions_of

pytestmark = pytest.mark.stack

# What a database is made of, owners and object numbers apart.
CATALOG = (
    """SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
              pg_get_expr(d.adbin, d.adrelid)
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, a.attnum""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2, 3",
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "SELECT version_num FROM alembic_version",
    "SELECT revision, sha256 FROM alembic_checksum ORDER BY 1",
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with temporary() as server:
        yield server


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    scripts.keep(SERVICES, folder)
    return folder


def run(dsn: str, *statements: str) -> list[list[tuple[Any, ...]]]:
    async def ask() -> list[list[tuple[Any, ...]]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements]
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.fixture
def no_alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(dsn: str, service: str) -> None:
        raise AssertionError(f"Alembic was asked for {service} of {dsn}")

    monkeypatch.setattr(alembic_runs, "upgrade", refuse)


def test_every_service_can_be_rendered(kept: Path):
    assert scripts.missing(SERVICES, kept) == ()


@pytest.mark.parametrize("service", SERVICES)
def test_the_script_makes_the_same_database_as_alembic(
    postgres: PostgresServer, kept: Path, service: str, monkeypatch: pytest.MonkeyPatch
):
    databases = postgres.create_databases([f"{service}-script", f"{service}-alembic"])
    by_script, by_alembic = databases.values()
    migrate.upgrade(by_alembic, service)

    async def refuse(*_: str) -> None:
        raise AssertionError("Alembic was asked")

    monkeypatch.setattr(alembic_runs, "upgrade", refuse)
    migrate.upgrade(by_script, service, kept)
    migrate.upgrade(by_script, service, kept)
    made = run(by_script, *CATALOG)
    assert made == run(by_alembic, *CATALOG)
    assert len(made[0]) > 5
    assert len(made[-1]) == len(list(versions_of(service).glob("*.py")))


def test_a_database_that_is_behind_goes_through_alembic(postgres: PostgresServer, kept: Path):
    dsn = postgres.create_database("behind")
    migrate.upgrade(dsn, "audit", kept)
    run(
        dsn, "DROP TABLE outbox, inbox", "DROP FUNCTION tell_relay()", "UPDATE alembic_version SET version_num = '0002'"
    )
    migrate.upgrade(dsn, "audit", kept)
    assert run(dsn, "SELECT version_num FROM alembic_version", "SELECT count(*) FROM outbox") == [[("0003",)], [(0,)]]


def test_a_database_at_an_unknown_revision_is_refused(postgres: PostgresServer, kept: Path):
    dsn = postgres.create_database("unknown")
    migrate.upgrade(dsn, "crm", kept)
    run(dsn, "UPDATE alembic_version SET version_num = 'ffff'")
    with pytest.raises(Exception, match="ffff"):
        migrate.upgrade(dsn, "crm", kept)


@pytest.mark.parametrize(
    "stranger",
    ["CREATE TABLE foreign_thing (id int)", "CREATE FUNCTION foreign_thing() RETURNS int LANGUAGE sql RETURN 1"],
)
def test_a_database_that_holds_anything_gets_no_script(
    postgres: PostgresServer, kept: Path, stranger: str, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    async def note(_dsn: str, service: str) -> None:
        asked.append(service)

    dsn = postgres.create_database(f"holds {stranger[7:12]}")
    run(dsn, stranger)
    monkeypatch.setattr(alembic_runs, "upgrade", note)
    migrate.upgrade(dsn, "crm", kept)
    assert asked == ["crm"]


@pytest.mark.usefixtures("no_alembic")
def test_a_script_that_ends_elsewhere_than_the_source_changes_nothing(
    postgres: PostgresServer, kept: Path, tmp_path: Path
):
    dsn = postgres.create_database("elsewhere")
    (good,) = kept.glob("crm-*.sql")
    head = max(path.name for path in versions_of("crm").glob("*.py"))[:4]
    (tmp_path / good.name).write_text(good.read_text().replace(f"'{head}'", "'0000'"))
    with pytest.raises(RuntimeError, match="'0000'"):
        migrate.upgrade(dsn, "crm", tmp_path)
    assert run(dsn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [[(0,)]]


def test_a_changed_revision_has_no_script(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert scripts.script_of("crm", kept)
    changed = tmp_path / "versions"
    changed.mkdir()
    for path in scripts.versions_of("crm").glob("*.py"):
        (changed / path.name).write_bytes(path.read_bytes() + b"\n# changed\n")
    monkeypatch.setattr(scripts, "versions_of", lambda _: changed)
    assert scripts.script_of("crm", kept) is None
    assert scripts.missing(["crm"], kept) == ("crm",)


def test_percent_signs_colons_and_quotes_are_rendered_as_they_are_applied(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001.py").write_text(
        "from alembic import op\n\nrevision = '0001'\ndown_revision = None\n\n\ndef upgrade():\n"
        "    op.execute(\"CREATE TABLE t (word text CHECK (word LIKE '5%'), at text DEFAULT 'a\\\\:b', n int DEFAULT 7::int)\")\n"
    )
    for module in (alembic_runs, scripts):
        monkeypatch.setattr(module, "versions_of", lambda _: versions)
    scripts.keep(["odd"], tmp_path / "scripts")
    script = scripts.script_of("odd", tmp_path / "scripts")
    assert script
    by_script, by_alembic = postgres.create_databases(["odd script", "odd alembic"]).values()
    run(by_script, *filter(str.strip, script.split(";\n")))
    asyncio.run(alembic_runs.upgrade(by_alembic, "odd"))
    assert run(by_script, *CATALOG) == run(by_alembic, *CATALOG)


def test_revisions_that_ask_the_database_are_left_to_alembic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001.py").write_text(
        "from alembic import op\n\nrevision = '0001'\ndown_revision = None\n\n\ndef upgrade():\n"
        "    op.get_bind().exec_driver_sql('SELECT 1').all()\n"
    )
    for module in (alembic_runs, scripts):
        monkeypatch.setattr(module, "versions_of", lambda _: versions)
    with caplog.at_level(logging.WARNING):
        scripts.keep(["asking"], tmp_path / "scripts")
    assert "cannot be rendered" in caplog.text
    assert scripts.script_of("asking", tmp_path / "scripts") is None


def test_migrating_an_empty_database_imports_no_alembic(postgres: PostgresServer, kept: Path):
    dsn = postgres.create_database("light")
    code = (
        "import sys; from pathlib import Path; from certify_stack.kit import migrate; "
        "migrate.upgrade(sys.argv[1], 'crm', Path(sys.argv[2])); print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, dsn, str(kept)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
