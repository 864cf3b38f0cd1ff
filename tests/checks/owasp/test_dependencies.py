"""Rule owasp.dependencies: pip-audit against local exports of advisories."""

import asyncio
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packaging.version import Version

from certify.api import Criteria, Duration, Outcome, Ruling
from certify_checks.owasp import CHECK
from certify_checks.owasp.advisories import affects, load
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.requirements import of_environment, of_files
from certify_checks.owasp.seen import DependenciesSeen, OwaspSeen
from certify_faults.owasp import old_dependency

RULE = CHECK.rule("dependencies")
assert RULE


def record(name: str, identifier: str, *, fixed: str = "2.0", days: int = 1, **extra: Any) -> dict[str, Any]:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
    modified = (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    package = {"name": name, "ecosystem": "PyPI"}
    affected = [{"package": package, "ranges": [span], "versions": ["1.0"]}]
    return {"id": identifier, "details": f"{name} is holed", "modified": modified, "affected": affected, **extra}


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., str]:
    def write(*records: dict[str, Any]) -> str:
        file = tmp_path / "export.zip"
        with zipfile.ZipFile(file, "w") as archive:
            for one in records:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
        return str(file)

    return write


@pytest.fixture
def observe(context: Any, tmp_path: Any):
    def run(pins: str, advisories: str = "", **config: Any) -> OwaspSeen:
        (tmp_path / "lock.txt").write_text(pins)
        ctx = context(
            source_root=tmp_path,
            rules=("dependencies",),
            options={"advisories": advisories} if advisories else {},
        )
        seen = asyncio.run(CHECK.observe(ctx, OwaspConfig(requirements=("lock.txt",), **config)))
        return msgspec.json.decode(msgspec.json.encode(seen), type=OwaspSeen)

    return run


def judge(seen: OwaspSeen, criteria: Callable[..., Criteria]) -> Ruling:
    return RULE.judge(seen, criteria(RULE))


CANARY = record("canary-of-the-export", "PYSEC-1")


def test_clean_pins_pass_and_every_seed_is_found(observe: Any, export: Any, criteria: Any):
    seen = observe("left==3.0\nRight.Side==1.0 \\\n    --hash=sha256:00\n", export(CANARY, record("left", "PYSEC-2")))
    ruling = judge(seen, criteria)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2), ruling
    assert seen.dependencies.audited == ("left", "right-side")
    seeds = list(RULE.seed(seen, criteria(RULE)))
    assert len(seeds) == 3
    assert all(RULE.judge(seed.observation, criteria(RULE)).outcome is Outcome.FAIL for seed in seeds)


def test_a_known_hole_fails_with_its_mended_version(observe: Any, export: Any, criteria: Any):
    ruling = judge(observe("left==1.5\n", export(CANARY, record("Left", "PYSEC-2", aliases=["CVE-1"]))), criteria)
    (finding,) = ruling.findings
    assert ruling.outcome is Outcome.FAIL
    assert finding.cure == "use left 2.0 or later"
    assert finding.message == "left 1.5: PYSEC-2 CVE-1 Left is holed"


def test_a_dependency_that_was_pinned_back_is_found(observe: Any, export: Any, criteria: Any, tmp_path: Path):
    advisories = export(CANARY, record("jinja2", "PYSEC-2021-66", fixed="2.11.3"))
    assert judge(observe("jinja2==3.1.6\nleft==1.0\n", advisories), criteria).outcome is Outcome.PASS
    patched = old_dependency(tmp_path / "lock.txt").read_text()
    ruling = judge(observe(patched, advisories), criteria)
    assert ruling.outcome is Outcome.FAIL
    assert [finding.message.partition(":")[0] for finding in ruling.findings] == ["jinja2 2.4.1"]


def test_a_hole_that_calls_itself_lesser_does_not_count_as_high(observe: Any, export: Any, criteria: Any):
    lesser = record("left", "GHSA-2", database_specific={"severity": "MODERATE"})
    seen = observe("left==1.5\n", export(CANARY, lesser))
    assert judge(seen, criteria).outcome is Outcome.PASS
    assert [one.severity for one in seen.dependencies.advisories] == ["medium"]
    assert all(
        RULE.judge(seed.observation, criteria(RULE)).outcome is Outcome.FAIL for seed in RULE.seed(seen, criteria(RULE))
    )


def test_stale_advisories_are_inconclusive_unless_allowed(observe: Any, export: Any, criteria: Any):
    old = export(record("canary-of-the-export", "PYSEC-1", days=40))
    ruling = judge(observe("left==1.5\n", old), criteria)
    date = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    assert ruling.reason == "advisories-stale"
    assert date in ruling.summary
    assert judge(observe("left==1.5\n", old, max_age=Duration("60 d")), criteria).outcome is Outcome.PASS


def test_stale_advisories_still_fail_on_what_they_know(observe: Any, export: Any, criteria: Any):
    old = export(record("canary-of-the-export", "PYSEC-1", days=40), record("left", "PYSEC-2", days=40))
    assert judge(observe("left==1.5\n", old), criteria).outcome is Outcome.FAIL


def test_lines_that_are_not_pinned_are_not_audited(observe: Any, export: Any, criteria: Any):
    ruling = judge(observe("left==3.0\nright>=1\n", export(CANARY)), criteria)
    assert ruling.reason == "not-audited"
    assert "right (not pinned to one version)" in ruling.summary


def test_an_export_that_knows_only_a_dependency_gives_no_canary(observe: Any, export: Any, criteria: Any):
    ruling = judge(observe("left==3.0\n", export(record("left", "PYSEC-2"))), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-advisories")


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_a_bad_export_is_named(observe: Any, criteria: Any, tmp_path: Any, content: Any):
    (tmp_path / "bad.zip").write_bytes(content)
    ruling = judge(observe("left==1.5\n", str(tmp_path / "bad.zip")), criteria)
    assert ruling.reason == "bad-input"
    assert "bad.zip: not an OSV export" in ruling.summary
    assert judge(observe("left==1.5\n", str(tmp_path / "absent.zip")), criteria).reason == "bad-input"


def test_without_a_service_that_answers_in_time_nothing_can_be_told(observe: Any, criteria: Any):
    ruling = judge(observe("left==1.5\n", service_timeout=Duration("1 ms")), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-advisories")
    assert "--advisories FILE" in ruling.cure


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"canary_found": 0}, "sensor-blind"),
        ({"skipped": {"left": "not found"}}, "not-audited"),
        ({"audited": ()}, "not-audited"),
        ({"asked": ("left==1", "right==1")}, "not-audited"),
        ({"age_us": 2, "max_age_us": 1}, "advisories-stale"),
    ],
)
def test_each_doubt_is_said(criteria: Any, change: Any, reason: Any):
    good = DependenciesSeen("lock.txt", ("left==1",), ("left",), canary="old==1", canary_found=1, database="osv")
    assert judge(OwaspSeen(dependencies=good), criteria).outcome is Outcome.PASS
    ruling = judge(OwaspSeen(dependencies=msgspec.structs.replace(good, **change)), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)


@pytest.mark.parametrize(
    ("events", "version", "inside"),
    [
        ([{"introduced": "0"}, {"fixed": "2"}], "1.9", True),
        ([{"introduced": "0"}, {"fixed": "2"}], "2", False),
        ([{"introduced": "1"}, {"last_affected": "2"}], "2", True),
        ([{"introduced": "1"}, {"last_affected": "2"}], "2.1", False),
        ([{"fixed": "2"}, {"introduced": "0"}, {"introduced": "3"}], "3", True),
        ([{"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"}, {"fixed": "4"}], "2.5", False),
        ([{"introduced": "0"}, {"fixed": "unreadable"}], "9", True),
    ],
)
def test_ranges_follow_the_osv_schema(events: Any, version: Any, inside: Any):
    one = record("left", "PYSEC-2")
    one["affected"][0] |= {"ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": []}
    assert affects(one, "left", Version(version)) is inside
    assert not affects({**one, "withdrawn": "2024-01-01T00:00:00Z"}, "left", Version(version))


def test_a_record_without_a_usable_date_makes_nothing_fresh(export: Any):
    loaded = load(Path(export(record("left", "PYSEC-2", days=5) | {"modified": "1-01-01T00:00:00Z"})))
    assert loaded.newest.year == 1970


def test_the_environment_is_listed_without_the_product_itself():
    wanted = of_environment(("certify",))
    assert {"msgspec", "pip-audit"} <= set(wanted.pins)
    assert "certify" not in wanted.pins
    assert "certify" in wanted.first_party


def test_requirement_files_are_read_with_markers_and_conflicts(tmp_path: Any):
    (tmp_path / "a.txt").write_text("one==1 ; python_version < '3'\ntwo==2  # why\n-r other.txt\nTwo==3\n")
    wanted = of_files(tmp_path, ("a.txt",))
    assert wanted.pins == {"two": "2"}
    assert wanted.unusable["two"] == "pinned to both 2 and 3"
    assert "-r other.txt" in wanted.unusable
