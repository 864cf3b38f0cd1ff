"""Migrations of other tools: their own tables in a real PostgreSQL, beside files on disk."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from certify.api import Criteria, Limit, Outcome, Service
from certify_checks.health.migrations import judge_migrations
from certify_checks.health.model import HealthObservation, Migrated
from certify_checks.health.tools import flyway_checksum
from certify_checks.health.versions import read_applied, read_source
from certify_stack.embedded.postgres import PostgresServer, temporary

pytestmark = pytest.mark.stack
CRITERIA = Criteria({"pending": Limit.parse("== 0")})
FLYWAY = """CREATE TABLE flyway_schema_history (
    installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL,
    script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL,
    installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL)"""
PRISMA = """CREATE TABLE _prisma_migrations (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
    logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0)"""
GOLANG = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
FIRST, SECOND = b"CREATE TABLE a (id int);\n", b"CREATE TABLE b (id int);\r\n-- two\r\n"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with temporary() as server:
        yield server


@pytest.fixture
def dsn(postgres: PostgresServer, request: pytest.FixtureRequest) -> str:
    digest = hashlib.sha256(request.node.name.encode()).hexdigest()
    return postgres.create_database(f"d{digest[:12]}")


def look(dsn: str, root: Path, *statements: str) -> Migrated:
    async def run() -> Migrated:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
        return await read_applied(read_source(Service("crm", migrations="m"), root), dsn)

    return asyncio.run(run())


def codes(migrated: Migrated) -> set[str]:
    ruling = judge_migrations(HealthObservation(migrated=(migrated,)), CRITERIA)
    assert ruling.outcome in {Outcome.PASS, Outcome.FAIL}, ruling
    assert (ruling.outcome is Outcome.FAIL) == bool(ruling.findings)
    return {finding.code for finding in ruling.findings}


def flyway(rank: int, version: str, content: bytes, *, success: bool = True, kind: str = "SQL") -> str:
    checksum = flyway_checksum(content) if kind == "SQL" else "NULL"
    values = f"({rank}, '{version}', 'x', '{kind}', 'x', {checksum}, 'me', now(), 1, {success})"
    return f"INSERT INTO flyway_schema_history VALUES {values}"  # noqa: S608 - from this file


def prisma(name: str, content: bytes, finished: str = "now()", rolled_back: str = "NULL") -> str:
    checksum = hashlib.sha256(content).hexdigest()
    values = f"(gen_random_uuid(), '{checksum}', {finished}, '{name}', NULL, {rolled_back}, now(), 1)"
    return f"INSERT INTO _prisma_migrations VALUES {values}"  # noqa: S608 - from this file


BOTH = (flyway(1, "2", FIRST), flyway(2, "10.1", SECOND))
TAKEN_BACK = (flyway(1, "2", SECOND), flyway(2, "2", b"", kind="UNDO_SQL"))


@pytest.fixture
def flyway_files(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "V2__first.sql").write_bytes(FIRST)
    (tmp_path / "m" / "V10_1__second.sql").write_bytes(SECOND)
    (tmp_path / "m" / "R__view.sql").write_bytes(b"SELECT 1;")
    return tmp_path


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (BOTH, set()),
        ((flyway(1, "2", FIRST),), {"pending"}),
        # Out of order: the newest is there, the one before it is not.
        ((flyway(1, "10.1", SECOND),), {"pending"}),
        ((flyway(1, "2", FIRST), flyway(2, "10.1", FIRST)), {"changed-checksum"}),
        ((flyway(1, "2", FIRST), flyway(2, "10.1", SECOND, success=False)), {"dirty", "pending"}),
        ((flyway(1, "2", b"", kind="BASELINE"), flyway(2, "10.1", SECOND)), set()),
        # Taken back; taken back and applied again; declared to be gone.
        ((*BOTH, flyway(3, "10.1", b"", kind="UNDO_SQL")), {"pending"}),
        ((*TAKEN_BACK, flyway(3, "2", FIRST), flyway(4, "10.1", SECOND)), set()),
        ((*BOTH, flyway(3, "11", FIRST), flyway(4, "11", b"", kind="DELETE")), set()),
        ((*BOTH, flyway(3, "11", FIRST)), {"unknown-revision"}),
    ],
)
def test_flyway(dsn: str, flyway_files: Path, rows: tuple[str, ...], expected: set[str]):
    migrated = look(dsn, flyway_files, FLYWAY, *rows)
    assert (migrated.tool, [one.id for one in migrated.revisions]) == ("flyway", ["2", "10.1"])
    assert codes(migrated) == expected


def test_flyways_checksum_does_not_depend_on_the_ends_of_lines():
    assert flyway_checksum(b"\xef\xbb\xbfa\r\nb\r\n") == flyway_checksum(b"a\nb") == flyway_checksum(b"ab")
    # The check value of CRC-32, as a signed number.
    assert flyway_checksum(b"123456789") == str(0xCBF43926 - (1 << 32))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((prisma("1_init", FIRST), prisma("2_more", SECOND)), set()),
        ((prisma("1_init", FIRST),), {"pending"}),
        ((prisma("1_init", FIRST), prisma("2_more", FIRST)), {"changed-checksum"}),
        ((prisma("1_init", FIRST), prisma("2_more", SECOND, "NULL")), {"dirty", "pending"}),
        ((prisma("1_init", FIRST), prisma("2_more", FIRST, "NULL", "now()"), prisma("2_more", SECOND)), set()),
    ],
)
def test_prisma(dsn: str, tmp_path: Path, rows: tuple[str, ...], expected: set[str]):
    for name, content in (("1_init", FIRST), ("2_more", SECOND)):
        (tmp_path / "m" / name).mkdir(parents=True)
        (tmp_path / "m" / name / "migration.sql").write_bytes(content)
    assert codes(look(dsn, tmp_path, PRISMA, *rows)) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("(2, false)", set()),
        ("(1, false)", {"pending"}),
        ("(2, true)", {"dirty"}),
        ("(7, false)", {"unknown-revision", "pending"}),
    ],
)
def test_golang_migrate(dsn: str, tmp_path: Path, row: str, expected: set[str]):
    (tmp_path / "m").mkdir()
    for name, content in (("000001_init", FIRST), ("000002_more", SECOND)):
        (tmp_path / "m" / f"{name}.up.sql").write_bytes(content)
        (tmp_path / "m" / f"{name}.down.sql").write_bytes(b"")
    migrated = look(dsn, tmp_path, GOLANG, f"INSERT INTO schema_migrations VALUES {row}")  # noqa: S608 - from above
    assert codes(migrated) == expected
    assert not migrated.checksums


def test_a_table_that_is_not_there(dsn: str, flyway_files: Path):
    assert codes(look(dsn, flyway_files)) == {"no-version-table", "pending"}


def test_alembic_with_checksums_beside_it(dsn: str, tmp_path: Path):
    (tmp_path / "m").mkdir()
    file = tmp_path / "m" / "1.py"
    file.write_text('revision = "1"\n')
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    migrated = look(
        dsn,
        tmp_path,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('1')",
        "CREATE TABLE alembic_checksum (revision varchar(32) PRIMARY KEY, sha256 varchar(64) NOT NULL)",
        f"INSERT INTO alembic_checksum VALUES ('1', '{digest}')",  # noqa: S608 - a digest
    )
    assert codes(migrated) == set()
    file.write_text('revision = "1"\n\n# edited\n')
    assert codes(look(dsn, tmp_path)) == {"changed-checksum"}
