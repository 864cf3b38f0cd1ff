"""Subgraphs as files, and running services that are not what their files say."""

from pathlib import Path

from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.federation import composes, files
from certify_checks.federation.model import FederationSeen, Fetched, Subgraph

SDL = "type Query { a(x: Int = 1): Int }"


def drift(running: str, folder: Path) -> tuple[str, ...]:
    ((about, _),) = files.compared([(Subgraph("a"), running)], files.read(folder))
    return about.drift


def test_files_are_read_by_name_and_only_sdl(tmp_path: Path):
    (tmp_path / "b.c.graphql").write_text(SDL)
    (tmp_path / "a ü.gql").write_text(SDL)
    (tmp_path / "notes.md").write_text("no")
    (tmp_path / "bad.graphqls").write_bytes(b"\xff")
    found = files.read(tmp_path)
    assert [about.name for about, _ in found] == ["a ü", "b.c", "bad"]
    assert found[2][0].state is Fetched.INVALID
    assert files.read(tmp_path / "nothing") == []


def test_drift_is_told_by_coordinates_and_texts_that_mean_the_same_do_not_drift(tmp_path: Path):
    (tmp_path / "a.graphql").write_text(SDL)
    assert drift('"Asked." type Query {\n\n  a(x: Int = 1): Int\n}', tmp_path) == ()
    assert drift("type Query { a(x: Int = 2): Int b: Int }", tmp_path) == ("Query.a(x:)", "Query.b")
    (tmp_path / "a.graphql").unlink()
    assert drift(SDL, tmp_path) == ("there is no file of it",)


def test_a_file_without_a_running_service_is_a_subgraph_that_is_not_there(tmp_path: Path):
    (tmp_path / "a.graphql").write_text(SDL)
    (tmp_path / "b.graphql").write_text(SDL)
    (_, (lost, sdl)) = files.compared([(Subgraph("a"), SDL)], files.read(tmp_path))
    assert (lost.name, lost.state, sdl) == ("b", Fetched.UNREACHABLE, "")


def test_drift_fails_the_rule(clean: FederationSeen):
    drifted = replace(clean.subgraphs[0], drift=("Query.a", "Query.b"))
    seen = replace(clean, subgraphs=(drifted, *clean.subgraphs[1:]))
    ruling = composes.judge(seen, Criteria({"errors": Limit.parse("== 0")}))
    assert ruling.outcome is Outcome.FAIL
    assert [(finding.code, finding.location.service) for finding in ruling.findings] == [("sdl-drift", drifted.name)]
