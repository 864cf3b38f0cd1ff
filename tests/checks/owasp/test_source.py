"""Rule owasp.source: bandit over real files, both colours, and every way in which it could see nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.api import Criteria, Outcome, Ruling, Service
from certify_checks.owasp import CHECK
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.seen import OwaspSeen, SourceSeen
from certify_checks.source_tree import ServiceSource

RULE = CHECK.rule("source")
assert RULE
DEFAULTS = OwaspConfig()
CLEAN = "def total(rows: list[int]) -> int:\n    return sum(rows)\n"
HOLE = "import subprocess\n\n\ndef run(text: str) -> int:\n    return subprocess.call(text, shell=True){}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("finance", "crm"):
        folder = tmp_path / "root" / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(CLEAN)
    return tmp_path / "root"


@pytest.fixture
def observe(context: Any, tree: Any):
    def run(config: OwaspConfig = DEFAULTS, **fields: Any) -> OwaspSeen:
        services = (Service("finance", source=("finance",)), Service("crm", source=("crm",)))
        ctx = context(*services, **{"source_root": tree, "rules": ("source",), **fields})
        seen = asyncio.run(CHECK.observe(ctx, config))
        return msgspec.json.decode(msgspec.json.encode(seen), type=OwaspSeen)

    return run


def judge(seen: OwaspSeen, criteria: Callable[..., Criteria], *services: str) -> Ruling:
    return RULE.judge(seen, criteria(RULE, *services))


def test_clean_source_passes_and_every_seed_is_found(observe: Any, criteria: Any):
    seen = observe()
    ruling = judge(seen, criteria)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2), ruling
    assert "2 Python files (4 lines)" in ruling.summary
    seeds = list(RULE.seed(seen, criteria(RULE)))
    assert [seed.name for seed in seeds] == ["shell=True in finance", "shell=True in crm"]
    assert all(RULE.judge(seed.observation, criteria(RULE)).outcome is Outcome.FAIL for seed in seeds)


@pytest.mark.parametrize("suffix", ["", "  # nosec", "  # nosec B602"])
def test_a_hole_is_found_with_its_line_also_when_hushed(observe: Any, tree: Any, criteria: Any, suffix: Any):
    (tree / "crm" / "app.py").write_text(HOLE.format(suffix))
    (finding,) = judge(observe(), criteria).findings
    assert (finding.code, str(finding.location)) == ("source.B602", "crm crm/app.py:5")
    assert finding.context.startswith("return subprocess.call(text, shell=True)")
    assert judge(observe(), criteria, "finance").outcome is Outcome.PASS


def test_honoured_suppressions_go_into_the_ledger(observe: Any, tree: Any, criteria: Any):
    (tree / "crm" / "app.py").write_text(HOLE.format("  # nosec"))
    told: list[tuple[str, str]] = []
    seen = observe(OwaspConfig(honour_nosec=True), weakening=lambda kind, text: told.append((kind, text)))
    assert judge(seen, criteria).outcome is Outcome.PASS
    assert "1 lines suppressed inline" in judge(seen, criteria).summary
    assert told == [("suppressed", "1 lines are hidden from bandit by # nosec")]


def test_settings_of_the_tree_do_not_narrow_the_search(observe: Any, tree: Any, criteria: Any):
    (tree / "crm" / "app.py").write_text(HOLE.format(""))
    (tree / "crm" / ".bandit").write_text("[bandit]\nskips: B602\n")
    (tree / "crm" / "bandit.py").write_text("raise SystemExit(0)\n")
    assert judge(observe(), criteria).outcome is Outcome.FAIL


def test_shared_source_belongs_to_every_service(observe: Any, tree: Any, criteria: Any):
    (tree / "kit").mkdir()
    (tree / "kit" / "run.py").write_text(HOLE.format(""))
    seen = observe(OwaspConfig(shared=("kit",)))
    assert judge(seen, criteria, "finance").findings[0].location.file == "kit/run.py"


def test_a_file_that_does_not_parse_is_inconclusive(observe: Any, tree: Any, criteria: Any):
    (tree / "crm" / "app.py").write_text("def (:\n")
    ruling = judge(observe(), criteria)
    assert ruling.reason == "not-scanned"
    assert "crm/app.py (syntax error" in ruling.summary


@pytest.mark.parametrize("spoil", ["absent", "empty", "outside", "tests-only"])
def test_a_service_without_source_is_inconclusive(context: Any, tree: Any, criteria: Any, spoil: Any):
    (tree / "empty").mkdir()
    (tree / "tests").mkdir()
    (tree / "tests" / "test_app.py").write_text(CLEAN)
    entry = {"absent": "nowhere", "empty": "empty", "outside": "../..", "tests-only": "tests"}[spoil]
    services = (Service("finance", source=("finance",)), Service("crm", source=(entry,)))
    ctx = context(*services, source_root=tree, rules=("source",))
    seen = asyncio.run(CHECK.observe(ctx, OwaspConfig()))
    assert judge(seen, criteria).reason == "no-source"
    assert judge(seen, criteria, "finance").outcome is Outcome.PASS


def test_a_link_out_of_the_tree_is_not_followed(observe: Any, tree: Any, criteria: Any, tmp_path: Any):
    (tmp_path / "elsewhere.py").write_text(HOLE.format(""))
    (tree / "crm" / "link.py").symlink_to(tmp_path / "elsewhere.py")
    assert judge(observe(), criteria).outcome is Outcome.PASS


def test_no_source_root_is_inconclusive(observe: Any, criteria: Any):
    assert judge(observe(source_root=None), criteria).reason == "no-report"


def test_a_blind_bandit_is_noticed(criteria: Any):
    sources = (ServiceSource("finance", ("finance/app.py",)),)
    seen = SourceSeen(sources, {"finance/app.py": 3}, canary=("B602",))
    assert judge(OwaspSeen(source=seen), criteria).reason == "sensor-blind"
    seen = msgspec.structs.replace(seen, canary=("B324", "B602"))
    assert judge(OwaspSeen(source=seen), criteria).outcome is Outcome.PASS


def test_nothing_at_all_is_never_a_pass(criteria: Any):
    seen = SourceSeen(canary=("B324", "B602"))
    assert judge(OwaspSeen(source=seen), criteria).reason == "nothing-examined"
