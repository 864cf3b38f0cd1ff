import time
from asyncio import run
from pathlib import Path
from typing import Any

import pytest

from certify_checks.federation import engine, runtime
from certify_checks.federation.composition import describe, plant
from certify_checks.federation.engine import Answer, Source, compose, read_reply
from certify_checks.federation.graph import read
from certify_checks.federation.model import Composed

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])\n'
A = Source("a", LINK + 'type Query {\n  a: A\n}\ntype A @key(fields: "id") {\n  id: ID!\n  x: String @shareable\n}\n')
B = Source("b", LINK + 'type A @key(fields: "id") {\n  id: ID!\n  y: Int\n}\n')


def composed(*sources: Source, **more: Any) -> Answer:
    return run(compose(sources, seconds=30, **more))


def script(tmp_path: Path, text: str):
    path = tmp_path / "engine.mjs"
    path.write_text(text)
    return path


def test_subgraphs_compose_to_supergraph_and_public_schema():
    answer = composed(A, B)
    assert answer.state is Composed.COMPOSED
    assert "@join__graph" in answer.supergraph
    assert "y: Int" in answer.public
    assert "theguild" in answer.engine


def test_a_conflict_is_told_with_coordinate_subgraph_and_line():
    conflict = Source("c", LINK + 'type A @key(fields: "id") {\n  id: ID!\n  x: Int @shareable\n}\n')
    found = describe(composed(A, conflict), (A, conflict), {"a": "sdl/01-a.graphql"}).complaints
    assert [(c.code, c.coordinate, c.subgraph, c.file, c.line) for c in found] == [
        ("FIELD_TYPE_MISMATCH", "A.x", "a", "sdl/01-a.graphql", 7)
    ]


def test_invalid_sdl_names_subgraph_and_place():
    broken = Source("näme with space", "type Query {\n  a: Int \x00\n}")
    (found,) = describe(composed(A, broken), (A, broken), {}).complaints
    assert (found.code, found.subgraph, found.line, found.column) == ("INVALID_GRAPHQL", "näme with space", 2, 10)


@pytest.mark.parametrize(
    "names", [("a.b", "a b", "a-b", "a_b", "A.B"), ("日本", "ä", "$", "-", " "), ('"', "\\", "1st", ".a", "_b")]
)
def test_subgraphs_may_have_any_names(names: tuple[str, ...]):
    sources = tuple(
        Source(name, f'{LINK}type Query {{ q{n}: A }}\ntype A @key(fields: "id") {{ id: ID! of{n}: Int }}\n')
        for n, name in enumerate(names)
    )
    answer = composed(*sources)
    assert answer.state is Composed.COMPOSED, answer.errors
    graph = read(answer.supergraph)
    assert graph is not None
    assert set(graph.joined.subgraphs) == set(names)


def test_errors_tell_the_subgraphs_own_names():
    one, other = (Source(name, f"type Query {{ a: {kind} }}") for name, kind in (("日本", "Int"), ("中国", "String")))
    (found,) = describe(composed(one, other), (one, other), {}).complaints
    assert "subgraph-" not in found.message
    assert "日本" in found.message
    broken = Source("日本", "type Query {\n  a: Missing }")
    (found,) = describe(composed(broken), (broken,), {}).complaints
    assert (found.subgraph, found.line) == ("日本", 2)


def test_real_decoys_are_refused_for_the_planted_reason():
    decoys = run(plant((A, B), 30))
    assert len(decoys) == 4
    assert all(decoy.noticed for decoy in decoys), decoys


def test_a_hanging_engine_ends_with_its_budget(tmp_path: Path):
    began = time.monotonic()
    answer = run(compose((A,), seconds=0.5, engine=script(tmp_path, "for (;;) {}")))
    assert answer.state is Composed.TIMEOUT
    assert time.monotonic() - began < 5


def test_an_engine_without_memory_is_told_as_such(tmp_path: Path):
    greedy = script(tmp_path, "const all = []; for (;;) all.push(new Array(1e5).fill(0).map((_, i) => ({ i })));")
    assert composed(A, engine=greedy, heap_mib=16).state is Composed.MEMORY


@pytest.mark.parametrize(
    "text", ["throw new Error('no')", "console.log('rubbish')", "", "console.log('{\"ok\": true}')", "process.exit(2)"]
)
def test_an_engine_without_a_whole_answer_crashed(tmp_path: Path, text: str):
    assert composed(A, engine=script(tmp_path, text)).state is Composed.CRASHED


def test_ok_without_a_supergraph_is_no_composition():
    reply = b'{"ok": true, "supergraph": null, "publicSdl": null, "errors": [], "engine": {}}'
    answer = read_reply(0, reply, "")
    assert answer.state is Composed.REFUSED
    assert answer.errors[0].code == "ENGINE_FAILED"


def test_a_missing_bundle_or_run_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert composed(A, engine=tmp_path / "none.mjs").state is Composed.NO_ENGINE
    monkeypatch.setattr(runtime, "bundled_node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert composed(A).state is Composed.NO_RUNTIME


@pytest.mark.parametrize(("version", "found"), [("v18.19.0", False), ("v20.1.0", True), ("rubbish", False)])
def test_node_on_the_path_must_be_recent_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, found: bool
):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    monkeypatch.setattr(runtime, "bundled_node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(runtime.find_node()) == (node if found else None)


def test_the_bundled_run_time_goes_first():
    node = runtime.bundled_node()
    assert node is None or run(runtime.find_node()) == node
    assert engine.ENGINE.name == "engine.mjs"
