"""`certify profile show NAME --edges`: who calls whom, for a terminal, for a program, for a pull request."""

import json
from collections.abc import Callable

import pytest

from certify.cli.main import main
from certify.model.stack import Service
from certify.profile.edges import edges_as_mermaid, edges_as_text
from certify.profile.model import Profile, StackSpec

Write = Callable[..., None]
SHOP = """\
profile: shop
stack:
  targets: {shop: "http://127.0.0.1:9"}
  services:
    shop: {calls: [stock, bank-of-somewhere]}
    stock: {calls: [bank-of-somewhere]}
    mail: {consumes: [shop]}
    bank-of-somewhere: {}
    lonely: {}
controls:
  A-1: {title: it works, prove: [health.ready]}
"""


def test_as_text(write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    write(p=SHOP)
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["profile", "show", "p.yaml", "--edges"]) == 0
    assert capsys.readouterr().out == (
        "edges of profile shop: 5 services, 3 calls, 1 events\n"
        "\n"
        "calls, which the caller waits for\n"
        "    shop  -> bank-of-somewhere, stock\n"
        "    stock -> bank-of-somewhere\n"
        "\n"
        "events, which travel through the broker\n"
        "    shop ~> mail\n"
        "\n"
        "without an edge\n"
        "    lonely\n"
    )


def test_a_narrow_terminal_wraps_between_names(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=SHOP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "34")
        main(["profile", "show", "p.yaml", "--edges"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[3:5] == ["    shop  -> bank-of-somewhere,", "             stock"]


def test_as_json(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=SHOP)
    assert main(["profile", "show", "p.yaml", "--edges", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["services"] == ["shop", "stock", "mail", "bank-of-somewhere", "lonely"]
    assert shown["edges"][0] == {"caller": "shop", "called": "bank-of-somewhere", "kind": "call"}
    assert [edge["kind"] for edge in shown["edges"]] == ["call", "event", "call", "call"]


def test_as_mermaid(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=SHOP)
    assert main(["profile", "show", "p.yaml", "--edges", "--format", "mermaid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["flowchart LR", '    s0["shop"]']
    assert lines[6:] == ["    s0 --> s3", "    s0 -.-> s2", "    s0 --> s1", "    s1 --> s3"]


def test_mermaid_draws_edges_only(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=SHOP)
    assert main(["profile", "show", "p.yaml", "--format", "mermaid"]) == 2
    assert "add --edges" in capsys.readouterr().err


def test_names_are_harmless_wherever_they_come_from():
    evil = 'a"]; click s0 "javascript:x"\x1b[31m\u202e'
    gateway = Service("gateway", calls=(evil,))
    profile = Profile("p", stack=StackSpec(services=(Service(evil, calls=(evil,)), Service("b")), gateway=gateway))
    text, chart = "\n".join(edges_as_text(profile, 80)), list(edges_as_mermaid(profile))
    assert r"\x1b[31m\u202e" in text
    assert "gateway" in text
    assert not {"\x1b", "\u202e"} & set(text + "".join(chart))
    assert chart[1] == '    s0["a#34;#93;#59; click s0 #34;javascript#58;x#34;#92;x1b#91;31m#92;u202e"]'
    assert chart[-2:] == ["    s0 --> s0", "    s2 --> s0"]
