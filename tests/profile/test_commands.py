"""`certify profile`: what it prints and how it exits."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from certify.cli.main import main

Write = Callable[..., None]
GOOD = """\
profile: p
controls:
  A-1: {title: it works, source: "spec 1", prove: [health.ready], owner: me}
  A-2: {title: later, prove: [moon.phase], limits: {full: "== 1"}}
"""


def test_lint_of_a_good_profile_notes_what_is_unimplemented(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=GOOD)
    assert main(["profile", "lint", "p.yaml"]) == 0
    assert capsys.readouterr().out == (
        "p.yaml:4:31: note: control A-2 is unimplemented: no installed check has moon.phase\n"
        "p.yaml: 2 controls, no error, 0 warnings\n"
    )


def test_lint_of_a_bad_profile_exits_2_with_everything(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p="profile: p\ntitel: x\nextends: y\n")
    assert main(["profile", "lint", "p.yaml"]) == 2
    assert capsys.readouterr().out == (
        "p.yaml:2:1: unknown key 'titel' in the profile; did you mean 'title'?\n"
        "p.yaml:3:10: 'extends' of the profile: expected a list, got the text 'y'; put it in square brackets\n"
        "2 errors\n"
    )


def test_lint_tells_of_expired_waivers(write: Write, capsys: pytest.CaptureFixture[str]):
    waiver = "waivers: [{control: A-1, reason: r, approver: a, expires: 2020-01-01}]\n"
    write(p=GOOD + waiver)
    assert main(["profile", "lint", "p.yaml"]) == 0
    assert "p.yaml:5:59: warning: the waiver for A-1 has expired\n" in capsys.readouterr().out


def test_lint_names_checks_that_are_not_installed_and_wrong_options(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=GOOD + "checks: {health: {windows: 5 s}}\n")
    assert main(["profile", "lint", "p.yaml"]) == 2
    assert capsys.readouterr().out == (
        "p.yaml:5:19: unknown key 'windows' in check health; did you mean 'window'?\n1 error\n"
    )


def test_show_tells_limits_with_their_lines(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=GOOD)
    assert main(["profile", "show", "p.yaml"]) == 0
    assert capsys.readouterr().out == (
        "profile p\n"
        "files     p.yaml\n"
        "stack     none; extend this profile and describe yours\n"
        "controls  2, implemented 1 of 2\n"
        "\n"
        "A-1  high, block  it works\n"
        "    at      p.yaml:3:3\n"
        "    source  spec 1\n"
        "    prove   health.ready\n"
        "    limit   not-ready == 0 (built in)\n"
        "    owner   me\n"
        "\n"
        "A-2  high, block [unimplemented]  later\n"
        "    at      p.yaml:4:3\n"
        "    prove   moon.phase (not installed)\n"
        "    limit   full == 1 (p.yaml:4)\n"
    )


def test_show_as_json(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p=GOOD)
    assert main(["profile", "show", "p.yaml", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["implemented"], len(shown["controls"])) == ("p", 1, 2)
    assert [control["implemented"] for control in shown["controls"]] == [True, False]
    assert shown["controls"][1]["limits"]["full"]["origin"] == {"file": "p.yaml", "line": 4, "column": 59}
    assert "folder" not in shown


def test_show_of_finance_says_how_far_it_is(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "show", "finance"]) == 0
    out = capsys.readouterr().out
    assert "reference certify_stack.erp, 18 services and a gateway" in out
    assert " of 64\n" in out
    assert "    about   every service but finance\n" in out


def test_a_profile_that_is_not_there(write: Write, capsys: pytest.CaptureFixture[str]):
    write()
    for action in ("lint", "show"):
        assert main(["profile", action, "finanse"]) == 2
    captured = capsys.readouterr()
    assert "did you mean 'finance'?" in captured.out
    assert "did you mean 'finance'?" in captured.err


def test_schema_is_json(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "certify profile"


def test_hostile_keys_do_not_reach_the_terminal(write: Write, capsys: pytest.CaptureFixture[str]):
    write(p='profile: p\n"\\e[31m::error::x": 1\n')
    assert main(["profile", "lint", "p.yaml"]) == 2
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"unknown key '\x1b[31m::error::x'" in out


def test_help_has_examples_and_imports_nothing_heavy():
    code = (
        "import sys; from certify.cli.main import main\n"
        "try: main(['profile', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'yaml', 'jsonschema', 'msgspec', 'certify_checks', 'cryptography'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert "certify profile lint my.yaml" in done.stdout
    assert done.stdout.endswith("heavy: []\n")
