"""`certify verify` and `certify keygen` as they are typed."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.model.outcome import Verdict
from certify.seal import files, keys, keystore

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("verdict", Verdict)
def test_exit_code_is_the_verdicts(
    verdict: Verdict, command: Command, sealed: Callable[..., Path], public_key: Path, story: Any
):
    run = sealed(story(verdict=verdict))
    code, out, err = command("verify", run, "--key", public_key)
    assert (code, err) == (verdict.exit_code, "")
    assert f"verdict    {verdict}: all 2 controls hold" in out.splitlines()
    assert command("verify", run, "--key", public_key, "--integrity-only")[0] == 0


def test_text(command: Command, sealed: Callable[..., Path], public_key: Path):
    code, out, _ = command("verify", sealed(), "--key", public_key, "--commit", "0a1b2c3d")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "integrity  intact: 9 files, attestations certification, decision, test-result, svr, vsa"
    assert lines[1].startswith("signer     ")
    assert str(public_key) in lines[1]
    assert "profile    finance" in lines
    assert f"commit     0a1b2c3d4e5f60718293a4b5c6d7e8f901234567, tree {'7' * 40}: shop (verified)" in lines
    notes = lines[lines.index("not checked:") + 1 :]
    assert len(notes) == 4
    assert not any("--commit" in note for note in notes)


def test_what_is_not_checked(command: Command, sealed: Callable[..., Path], public_key: Path, story: Any):
    _, out, _ = command("verify", sealed(story(status="declared")), "--key", public_key)
    assert "which commit you mean: name it with --commit SHA" in out
    assert "the commit of shop: told by the profile or unknown" in out


def test_reference_stack_stands_in_the_verdict_line(
    command: Command, sealed: Callable[..., Path], public_key: Path, story: Any
):
    _, out, _ = command("verify", sealed(story(reference=True)), "--key", public_key)
    assert "verdict    reference stack, no product: CERTIFIED: all 2 controls hold" in out.splitlines()


def test_refusal(command: Command, sealed: Callable[..., Path], public_key: Path):
    run = sealed()
    (run / "report.html").write_text("all is well")
    for words in ((), ("--integrity-only",)):
        code, out, _ = command("verify", run, "--key", public_key, *words)
        assert code == 5
        assert out.startswith("REFUSED ")
        assert "  report-edited: report.html: its content is not what was sealed" in out.splitlines()
        assert "      cure: " in out
        assert "verdict " not in out
        assert "finance" not in out


def test_json(command: Command, sealed: Callable[..., Path], public_key: Path, key: keys.SigningKey):
    run = sealed()
    code, out, _ = command("verify", run, "--key", public_key, "--format", "json")
    told = json.loads(out)
    assert (code, told["exitCode"], told["accepted"], told["verdict"], told["problems"]) == (
        0,
        0,
        True,
        "CERTIFIED",
        [],
    )
    assert told["signer"]["fingerprint"] == key.public.fingerprint
    (run / "evidence/x").write_text("")
    code, out, _ = command("verify", run, "--key", public_key, "--format", "json")
    told = json.loads(out)
    assert (code, told["exitCode"], told["accepted"], told["verdict"]) == (5, 5, False, None)
    assert told["problems"][0]["code"] == "evidence-extra"


def test_no_key(command: Command, sealed: Callable[..., Path], home: Path):
    code, out, _ = command("verify", sealed())
    assert code == 5
    assert "signer-not-checked" in out
    assert "cure: Pass the signer's public key: `--key certify.pub`" in out
    assert "signer     unproved; the files name the key" in out
    assert list(home.iterdir()) == []


def test_own_local_key(command: Command, written: Callable[..., Path]):
    run = written()
    files.seal(run, keystore.signing_key())
    code, out, _ = command("verify", run)
    assert code == 0
    assert "matches the local key of this user" in out


def test_hostile_text_does_not_reach_the_terminal(
    command: Command, sealed: Callable[..., Path], public_key: Path, story: Any
):
    run = sealed(story(reason="\x1b[2J\x1b[32mCERTIFIED\n::error::x\u202e"))
    _, out, _ = command("verify", run, "--key", public_key)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert not any(line.startswith("::") for line in out.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("nowhere",),
        ("{run}/record.json",),
        ("{run}", "--key", "nowhere.pub"),
        ("{run}", "--commit", "HEAD"),
        ("{run}", "--commit", "0a1b2c"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], command: Command, sealed: Callable[..., Path], public_key: Path):
    given = [word.format(run=sealed(name="r")) if "{run}" in word else word for word in words]
    key = () if "--key" in given else ("--key", public_key)
    code, out, err = command("verify", *given, *key)
    assert (code, out) == (2, "")
    assert "cure: " in err


@pytest.mark.parametrize("form", ["cosign", "pkcs8"])
def test_keygen_then_seal_then_verify(
    form: str,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: Callable[..., Path],
):
    monkeypatch.setenv("CERTIFY_KEY_PASSWORD", "hush")
    code, out, _ = command("keygen", "--out", tmp_path / "release", "--format", form)
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    assert code == 0
    assert f"private key  {private} (keep it secret)\npublic key   {public}\nfingerprint  " in out
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    label = {"cosign": b"SIGSTORE PRIVATE KEY", "pkcs8": b"-BEGIN ENCRYPTED PRIVATE KEY"}[form]
    assert label in private.read_bytes()
    monkeypatch.setenv("CERTIFY_KEY", str(private))
    run = written()
    assert files.seal(run, keystore.signing_key()).signer in out
    monkeypatch.delenv("CERTIFY_KEY")
    assert command("verify", run, "--key", public)[0] == 0


@pytest.mark.parametrize("suffix", [".key", ".pub"])
def test_keygen_overwrites_nothing(suffix: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CERTIFY_KEY_PASSWORD", "hush")
    (tmp_path / f"mine{suffix}").write_text("precious")
    code, _, err = command("keygen", "--out", tmp_path / "mine")
    assert code == 2
    assert "is not overwritten" in err
    assert [path.name for path in tmp_path.glob("mine*")] == [f"mine{suffix}"]
    assert (tmp_path / f"mine{suffix}").read_text() == "precious"


@pytest.mark.parametrize("word", [None, ""])
def test_keygen_wants_a_passphrase(word: str | None, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if word is not None:
        monkeypatch.setenv("CERTIFY_KEY_PASSWORD", word)
    code, _, err = command("keygen", "--out", tmp_path / "mine")
    assert code == 2
    assert "CERTIFY_KEY_PASSWORD" in err
    assert list(tmp_path.glob("mine*")) == []


def test_keygen_where_nothing_can_be_written(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CERTIFY_KEY_PASSWORD", "hush")
    code, _, err = command("keygen", "--out", tmp_path / "no" / "folder")
    assert code == 2
    assert "No such file" in err


def test_help_loads_no_cryptography_and_shows_examples():
    script = (
        "import argparse, sys\n"
        "from certify.cli import keygen, verify\n"
        "subparsers = argparse.ArgumentParser().add_subparsers()\n"
        "verify.add_parser(subparsers); keygen.add_parser(subparsers)\n"
        "for parser in subparsers.choices.values(): print(parser.format_help())\n"
        "print(sorted({'cryptography', 'msgspec'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.count("examples:") == 2
    assert out.splitlines()[-1] == "[]"
