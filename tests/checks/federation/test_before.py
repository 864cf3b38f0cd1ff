"""Baselines, usage, and what the rule `breaking` makes of them."""

import subprocess
from asyncio import run
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Ruling, Severity
from certify_checks.federation import baseline, breaking
from certify_checks.federation.graph import read
from certify_checks.federation.model import Baseline, Composed, Composition, FederationSeen, Graph, Usage
from certify_checks.federation.usage import Recorded, recorded, usage

ASKED = Criteria({name: Limit.parse("== 0") for name in ("breaking", "breaking-unused")})
OLD = "type Query { a(x: Int): Int b(i: In): E c: Int } input In { y: Int } enum E { P Q }"


def graph(sdl: str) -> Graph:
    return read(sdl) or Graph()


def judged(new: str, used: Usage = Usage(), old: str = OLD) -> Ruling:  # noqa: B008 - frozen
    seen = FederationSeen((), Composition(Composed.COMPOSED), graph=graph(new), baseline=Baseline("a file", graph(old)))
    return breaking.judge(replace(seen, usage=used, today="2026-06-01"), ASKED)


def used_by(*operations: tuple[str, str]) -> Usage:
    return usage(OLD, [Recorded(*operation) for operation in operations], [])


def test_the_same_schema_passes_and_says_how_much_was_compared():
    ruling = judged(OLD)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 11)


def test_a_removed_field_names_its_callers_or_says_that_nobody_uses_it():
    new = OLD.replace("c: Int", "")
    assert [(f.code, f.severity) for f in judged(new).findings] == [("breaking-used: field-removed", Severity.HIGH)]
    (finding,) = judged(new, used_by(("web", "{ c }"), ("app", "{ c }"))).findings
    assert (finding.code, finding.severity) == ("breaking-used: field-removed", Severity.CRITICAL)
    assert "app, web" in finding.message
    unused = judged(new, used_by(("web", "{ a }")))
    assert [finding.code for finding in unused.findings] == ["breaking-unused: field-removed"]
    assert unused.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("{ a(x: 1) }", "breaking-unused"),
        ("query ($x: Int!) { a(x: $x) }", "breaking-unused"),
        ("query ($x: Int) { a(x: $x) }", "breaking-used"),
        ("{ a(x: null) }", "breaking-used"),
        ("{ a }", "breaking-used"),
    ],
)
def test_an_argument_that_every_caller_gives_may_be_required(operation: str, code: str):
    ruling = judged(OLD.replace("a(x: Int)", "a(x: Int!)"), used_by(("web", operation)))
    assert [finding.code for finding in ruling.findings] == [f"{code}: made-required"]


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("{ b(i: {y: 1}) }", "breaking-unused"),
        ("{ b(i: {}) }", "breaking-used"),
        ("query ($i: In) { b(i: $i) }", "breaking-used"),
    ],
)
def test_what_a_variable_holds_is_not_known(operation: str, code: str):
    ruling = judged(OLD.replace("y: Int", "y: Int!"), used_by(("web", operation)))
    assert [finding.code for finding in ruling.findings] == [f"{code}: made-required"]


def test_operations_are_read_from_files_and_logs(tmp_path: Path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.graphql").write_text("{ a }")
    (tmp_path / "log.jsonl").write_text('{"query": "{ c }", "client": "app"}\n')
    found, problems = recorded(tmp_path)
    assert (found, problems) == ([Recorded("app", "{ c }"), Recorded("web/a.graphql", "{ a }")], [])
    seen = usage(OLD, found, problems)
    assert (seen.operations, seen.callers["Query.c"], seen.callers["!Query.a(x:)"]) == (2, ("app",), ("web/a.graphql",))


def test_operations_that_cannot_be_read_are_inconclusive(tmp_path: Path):
    (tmp_path / "a.graphql").write_text("{ a")
    (tmp_path / "b.jsonl").write_text('{"quary": 1}\n')
    ruling = judged(OLD, usage(OLD, *recorded(tmp_path)))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "operations-unreadable")
    assert "a.graphql" in ruling.summary
    assert "b.jsonl" in ruling.summary


def test_no_baseline_is_a_first_certificate_and_no_schema_is_inconclusive():
    seen = FederationSeen((), Composition(Composed.COMPOSED), graph=graph(OLD))
    ruling = breaking.judge(seen, ASKED)
    assert (ruling.outcome, ruling.reason) == (Outcome.NOT_APPLICABLE, "first-certificate")
    ruling = breaking.judge(replace(seen, graph=Graph(), baseline=Baseline("a file", graph(OLD))), ASKED)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-composed-schema")


def test_a_baseline_is_a_file_a_revision_or_the_previous_certificate(tmp_path: Path):
    (tmp_path / "old.graphql").write_text(OLD)
    found, text = run(baseline.find("old.graphql", [tmp_path], None))
    assert (found.problem, text) == ("", OLD)
    assert "Query.a" in found.graph.elements
    for words in (["init", "-q"], ["add", "old.graphql"], ["commit", "-q", "-m", "x"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True)  # noqa: S607 - any git
    (tmp_path / "old.graphql").unlink()
    found, text = run(baseline.find("git:HEAD:old.graphql", [tmp_path], None))
    assert (found.problem, text) == ("", OLD)
    (tmp_path / "evidence/federation-1").mkdir(parents=True)
    (tmp_path / "evidence/federation-1/supergraph.graphql").write_text(OLD)
    found, _ = run(baseline.find("", [], tmp_path))
    assert found.origin == "the previous certificate"
    assert run(baseline.find("", [], None)) == (Baseline(), "")


@pytest.mark.parametrize("wanted", ["none.graphql", "git:HEAD:none.graphql", "git:--help:x", "broken.graphql"])
def test_a_baseline_that_cannot_be_read_is_inconclusive(tmp_path: Path, wanted: str):
    (tmp_path / "broken.graphql").write_text("type {")
    found, _ = run(baseline.find(wanted, [tmp_path], None))
    assert found.problem
    seen = FederationSeen((), Composition(Composed.COMPOSED), graph=graph(OLD), baseline=found)
    assert breaking.judge(seen, ASKED).reason == "baseline-unreadable"
