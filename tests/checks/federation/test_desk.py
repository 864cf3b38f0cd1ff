"""`certify check federation`: files in, an answer and an exit code out."""

import json
from pathlib import Path

import pytest

from certify.cli.main import main

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])\n'
A = (
    LINK
    + '"Asked."\ntype Query {\n  "A thing."\n  t: T\n}\n"A thing."\ntype T @key(fields: "id") {\n  "Its key."\n  id: ID!\n}\n'
)
B = LINK + '"A thing."\ntype T @key(fields: "id") {\n  "Its key."\n  id: ID!\n  "Its weight."\n  weight: Int\n}\n'


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "a.graphql").write_text(A)
    (folder / "b c.ü.graphql").write_text(B)
    return folder


def outcomes(told: str) -> dict[str, str]:
    return {rule["rule"]: rule["outcome"] for rule in json.loads(told)["rules"]}


def test_good_files_pass_and_their_supergraph_is_the_next_baseline(
    schemas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert (
        main(["check", "federation", "--subgraphs", str(schemas), "--out", str(tmp_path / "out"), "--format", "json"])
        == 0
    )
    assert outcomes(capsys.readouterr().out) == {
        "federation.composes": "pass",
        "federation.documented": "pass",
        "federation.breaking": "not-applicable",
    }
    baseline = tmp_path / "out/supergraph.graphql"
    assert (
        main(["check", "federation", "--subgraphs", str(schemas), "--baseline", str(baseline), "--format", "json"]) == 0
    )
    assert outcomes(capsys.readouterr().out)["federation.breaking"] == "pass"
    (schemas / "b c.ü.graphql").write_text(B.replace('  "Its weight."\n  weight: Int\n', ""))
    assert main(["check", "federation", "--subgraphs", str(schemas), "--baseline", str(baseline)]) == 1
    assert "breaking-used: field-removed  T.weight" in capsys.readouterr().out


def test_a_conflict_fails_with_its_place(schemas: Path, capsys: pytest.CaptureFixture[str]):
    (schemas / "c.graphql").write_text(LINK + 'type T @key(fields: "id") {\n  id: Int!\n}\n')
    assert main(["check", "federation", "--subgraphs", str(schemas), "--only", "composes"]) == 1
    assert "FIELD_TYPE_MISMATCH" in capsys.readouterr().out


def test_no_files_are_inconclusive(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert (
        main(["check", "federation", "--subgraphs", str(tmp_path), "--only", "composes", "--only", "documented"]) == 3
    )
    assert "no service with GraphQL" in capsys.readouterr().out


def test_a_full_folder_for_evidence_and_an_unknown_check_are_wrong_usage(
    schemas: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["check", "federation", "--subgraphs", str(schemas), "--out", str(schemas)]) == 2
    assert "holds something already" in capsys.readouterr().err
    below_a_file = next(schemas.rglob("*.graphql")) / "evidence"
    assert main(["check", "federation", "--subgraphs", str(schemas), "--out", str(below_a_file)]) == 2
    assert "Not a directory" in capsys.readouterr().err
    assert main(["check", "nothing"]) == 2
    assert "federation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EMPTY_SUBGRAPH"),
        ("type Query { a: Int }\x00", "invalid-sdl"),
        ("\udcff", ""),
        ("{" * 20_000, "invalid-sdl"),
    ],
)
def test_odd_texts_are_findings(schemas: Path, capsys: pytest.CaptureFixture[str], text: str, code: str):
    (schemas / "odd.graphql").write_bytes(text.encode(errors="surrogateescape"))
    assert main(["check", "federation", "--subgraphs", str(schemas), "--only", "composes", "--format", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)["rules"][0]["findings"]
    assert {finding["location"]["service"] for finding in findings} == {"odd"}
    assert code in findings[0]["code"]


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "fields"), [(200, 5), (1, 130_000)])
def test_many_subgraphs_and_megabytes_are_judged(tmp_path: Path, count: int, fields: int):
    for number in range(count):
        made = "\n".join(f'  "Field {field} of it."\n  s{number}f{field}: Int' for field in range(fields))
        hub = f'"A hub."\ntype Hub @key(fields: "id") {{\n  "Its key."\n  id: ID!\n{made}\n}}\n'
        query = f'"Asked."\ntype Query {{\n  "One hub."\n  hub{number}: Hub\n}}\n'
        (tmp_path / f"s{number}.graphql").write_text(LINK + query + hub)
    assert main(["check", "federation", "--subgraphs", str(tmp_path), "--only", "composes"]) == 0
