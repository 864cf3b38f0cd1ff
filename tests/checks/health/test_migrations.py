"""`health.migrations`: the graph in the source beside what the database says."""

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Service
from certify_checks.health.migrations import judge_migrations, pending, seed_migrations
from certify_checks.health.model import HealthObservation, Migrated, Revision
from certify_checks.health.versions import parse_revision, read_source

CRITERIA = Criteria({"pending": Limit.parse("== 0")})
CHAIN = (Revision("1", (), "m/1.py", 3), Revision("2", ("1",), "m/2.py", 3), Revision("3", ("2",), "m/3.py", 3))
SUMMED = tuple(replace(one, checksum=f"sum-{one.id}") for one in CHAIN)
GOOD = Migrated("crm", "m", CHAIN, applied=("3",))


def seen(*migrated: Migrated) -> HealthObservation:
    return HealthObservation(1, 1, migrated=migrated)


def codes(*migrated: Migrated) -> set[str]:
    ruling = judge_migrations(seen(*migrated), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    return {finding.code for finding in ruling.findings}


def test_a_database_at_head_passes():
    ruling = judge_migrations(seen(GOOD, replace(GOOD, service="hr")), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    told = "0 pending of 6 migrations in 2 databases; 0 checksums compared, 6 applied without one; 2 databases keep no checksums"
    assert ruling.summary == told
    kept = replace(GOOD, revisions=SUMMED, recorded={one.id: one.checksum for one in SUMMED}, checksums=True)
    assert judge_migrations(seen(kept), CRITERIA).summary.endswith("; 3 checksums compared")


def test_branches_that_are_merged_again_pass():
    merged = (CHAIN[0], Revision("2a", ("1",)), Revision("2b", ("1",)), Revision("3", ("2a", "2b")))
    assert judge_migrations(seen(replace(GOOD, revisions=merged)), CRITERIA).outcome is Outcome.PASS


def test_pending_ones_are_counted_and_located():
    ruling = judge_migrations(seen(replace(GOOD, applied=("1",))), CRITERIA)
    assert ruling.measurements[0].value == 2
    assert [str(finding.location) for finding in ruling.findings] == ["crm m/2.py:3", "crm m/3.py:3"]


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (replace(GOOD, applied=()), "empty-version-table"),
        (replace(GOOD, applied=(), versioned=False), "no-version-table"),
        (replace(GOOD, applied=("9",)), "unknown-revision"),
        (replace(GOOD, applied=("2", "3")), "several-versions"),
        (replace(GOOD, revisions=(*CHAIN, Revision("4", ("2",)))), "several-heads"),
        (replace(GOOD, revisions=(*CHAIN, Revision("3", ("2",)))), "duplicate-revision"),
        (replace(GOOD, revisions=CHAIN[1:]), "broken-chain"),
        (replace(GOOD, revisions=SUMMED, recorded={"2": "other"}, checksums=True), "changed-checksum"),
        (replace(GOOD, dirty=("version 3 is dirty",)), "dirty"),
        (replace(GOOD, applied=("1", "3"), listed=True), "pending"),
        (replace(GOOD, unreadable=("m/4.py: SyntaxError",)), "unreadable-revision"),
    ],
)
def test_what_is_dirty_fails(broken: Migrated, expected: str):
    assert expected in codes(broken)


@pytest.mark.parametrize(
    ("migrated", "reason"),
    [
        ((), "no-database"),
        ((GOOD, replace(GOOD, service="hr", error="no connection")), "unreadable"),
        ((GOOD, Migrated("hr")), "unreadable"),
        ((GOOD, Migrated("hr", "empty")), "unreadable"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(migrated: tuple[Migrated, ...], reason: str):
    ruling = judge_migrations(seen(*migrated), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)


def test_a_defect_counts_more_than_an_unreadable_database():
    assert "pending" in codes(replace(GOOD, applied=("1",)), Migrated("hr", "m", error="no connection"))


@pytest.mark.parametrize("limit", ["== 0", "<= 2"])
@pytest.mark.parametrize("real", [GOOD, replace(GOOD, applied=("1",))])
def test_every_seed_is_found(limit: str, real: Migrated):
    criteria = Criteria({"pending": Limit.parse(limit)})
    seeds = list(seed_migrations(seen(real), criteria))
    assert len(seeds) == 9
    for seeded in seeds:
        ruling = judge_migrations(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}


def test_an_unfinished_cycle_ends():
    assert pending(replace(GOOD, revisions=(Revision("1", ("2",)), Revision("2", ("1",))), applied=("1",))) == []


def test_revision_files_are_read_without_running_them(tmp_path: Path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "1.py").write_text('raise SystemExit\nrevision: str = "1"\ndown_revision: str | None = None\n')
    (folder / "2.py").write_text('revision = "2"\ndown_revision = ("1", "0")\n')
    (folder / "helper.py").write_text("x = 1\n")
    (folder / "3.py").write_text("revision = make()\n")
    (folder / "4.py").write_text("revision = (\n")
    read = read_source(Service("crm", migrations="m"), tmp_path)
    sums = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("1.py", "2.py")]
    assert read.revisions == (
        Revision("1", (), "m/1.py", 2, sums[0]),
        Revision("2", ("1", "0"), "m/2.py", 1, sums[1]),
    )
    assert [text.partition(":")[0] for text in read.unreadable] == ["m/3.py", "m/4.py"]


def test_a_revision_that_is_no_text_is_refused():
    with pytest.raises(ValueError, match="line 2"):
        parse_revision("\nrevision = 7\n", "m.py")
