"""What sealing writes, when it refuses, and what is left when it is killed."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.model.decision import SignOff
from certify.model.outcome import Verdict
from certify.seal import dsse, files, keys, keystore
from certify.seal.errors import SealError
from certify.seal.keys import SigningKey
from certify.seal.verify import verify

ALWAYS = ["certification", "decision", "test-result"]
GREEN = [*ALWAYS, "svr", "vsa"]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def predicate(run: Path, name: str) -> Any:
    return json.loads(dsse.parse((run / f"attestations/{name}.dsse.json").read_bytes()).payload)["predicate"]


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("verdict", Verdict)
def test_attestations_by_verdict(
    verdict: Verdict,
    reference: bool,  # noqa: FBT001 - pytest passes it by name
    sealed: Callable[..., Path],
    verified: Any,
    story: Any,
):
    run = sealed(story(verdict=verdict, reference=reference))
    green = verdict in (Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS) and not reference
    result = verified(run)
    assert (result.accepted, result.verdict, result.reference) == (True, verdict, reference)
    assert list(result.attestations) == (GREEN if green else ALWAYS)
    assert predicate(run, "test-result")["result"] == ("PASSED" if verdict is Verdict.CERTIFIED else "FAILED")
    if green:
        level = "CERTIFY_FINANCE_CERTIFIED" if verdict is Verdict.CERTIFIED else "CERTIFY_FINANCE_WITH_WAIVERS"
        assert predicate(run, "svr")["properties"] == predicate(run, "vsa")["verifiedLevels"] == [level]
    codes = {"CERTIFIED": 0, "CERTIFIED WITH WAIVERS": 0, "PENDING SIGN-OFF": 6, "NOT CERTIFIED": 1}
    assert result.exit_code() == codes.get(verdict, 3)
    assert result.exit_code(integrity_only=True) == 0


def test_every_field_of_a_bundle(sealed: Callable[..., Path], key: SigningKey):
    run = sealed()
    for name in GREEN:
        text = (run / f"attestations/{name}.sigstore.json").read_text()
        bundle = json.loads(text)
        envelope = bundle["dsseEnvelope"]
        assert text.count("\n") == 1
        assert bundle == {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": key.public.fingerprint}},
            "dsseEnvelope": {
                "payload": envelope["payload"],
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": envelope["signatures"][0]["sig"]}],
            },
        }
        assert json.loads((run / f"attestations/{name}.dsse.json").read_text()) == envelope
        statement = json.loads(base64.b64decode(envelope["payload"]))
        assert statement.keys() == {"_type", "subject", "predicateType", "predicate"}
        assert statement["subject"] == [{"name": "release.json", "digest": {"sha256": sha256(run / "release.json")}}]
    lines = (run / "attestations/certificate.intoto.jsonl").read_text().splitlines()
    assert lines == [(run / f"attestations/{name}.dsse.json").read_text().strip() for name in GREEN]


def test_the_subject_says_reference_stack(sealed: Callable[..., Path], story: Any):
    run = sealed(story(reference=True))
    statement = json.loads(dsse.parse((run / "attestations/decision.dsse.json").read_bytes()).payload)
    assert statement["subject"][0]["annotations"] == {"stack": "reference stack"}


def test_the_predicates(sealed: Callable[..., Path]):
    run = sealed()
    profile = {"name": "finance", "uri": "https://certify.dev/profile/finance", "digest": {"sha256": "5e" * 32}}
    told = predicate(run, "certification")
    names = ("record.json", "decision.json")
    documents = [{"name": name, "digest": {"sha256": sha256(run / name)}} for name in names]
    assert told["documents"] == predicate(run, "decision")["documents"] == documents
    assert told["sums"] == {"name": "SHA256SUMS", "digest": {"sha256": sha256(run / "SHA256SUMS")}, "files": 9}
    assert told["ledger"][0]["kind"] == "local-key"
    assert told["controls"][0]["selftest"] == {"seeded": 7, "found": 7}
    assert predicate(run, "svr")["verifier"]["policies"] == [profile]
    assert predicate(run, "vsa")["resourceUri"] == "git+https://code.example/acme/shop"
    assert predicate(run, "vsa")["verificationResult"] == "PASSED"


def test_failed_tests_of_a_run_that_could_not_tell(sealed: Callable[..., Path], story: Any):
    told = predicate(sealed(story(verdict=Verdict.INCONCLUSIVE)), "test-result")
    assert (told["passedTests"], told["failedTests"]) == (["FIN-HEALTH-01"], ["FIN-LOAD-01"])


def test_sums_are_those_of_sha256sum_and_of_every_file(sealed: Callable[..., Path]):
    run = sealed()
    words = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    subprocess.run(words, cwd=run, check=True)
    listed = {line[66:] for line in (run / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert listed == {path for path in there if path != "SHA256SUMS" and not path.startswith("attestations/")}
    assert len(listed) == 9


def test_seal_directory_from_plain_values(tmp_path: Path, verified: Any, key: SigningKey, story: Any):
    (tmp_path / "evidence").mkdir()
    told = story()
    plain = [msgspec.to_builtins(value) for value in (told.release(), told.record(), told.decision())]
    run = tmp_path / "run"
    run.mkdir()
    done = files.seal_directory(run, release=plain[0], record=plain[1], decision=plain[2], key=key)
    assert (done.signer, done.attestations) == (key.public.fingerprint, tuple(GREEN))
    assert done.release_digest == sha256(run / "release.json")
    assert verified(run).accepted


def test_deciding_again_and_sealing_again(sealed: Callable[..., Path], verified: Any, key: SigningKey, story: Any):
    run = sealed(story(verdict=Verdict.CERTIFIED))
    record = sha256(run / "record.json")
    files.write_json(run, "decision.json", story(verdict=Verdict.PENDING_SIGN_OFF).decision())
    assert not verified(run).accepted
    files.seal(run, key)
    assert verified(run).verdict is Verdict.PENDING_SIGN_OFF
    assert sha256(run / "record.json") == record
    assert not list(run.glob("attestations/svr*"))


def test_local_key_seals_and_verifies_for_its_user_only(written: Callable[..., Path], home: Path):
    run = written()
    sealed = files.seal(run, keystore.signing_key())
    assert sealed.key_origin == "local"
    result = verify(run)
    assert (result.accepted, result.signer.trusted) == (True, True)
    assert any("your own local one" in note for note in result.not_checked)
    stranger = verify(run, environ={"HOME": str(home / "other")})
    assert [problem.code for problem in stranger.problems] == ["signer-not-checked"]
    assert (stranger.verdict, stranger.exit_code(), stranger.exit_code(integrity_only=True)) == (None, 5, 5)
    assert "--key" in stranger.problems[0].cure
    assert stranger.signer.claimed == sealed.signer
    assert not stranger.signer.trusted


CONTRADICTIONS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "two runs": ("decision", lambda told: msgspec.structs.replace(told, run_id="run-2"), "mixed-runs"),
    "two profiles": ("decision", lambda told: msgspec.structs.replace(told, profile="boot"), "mixed-runs"),
    "two releases": ("release", lambda told: msgspec.structs.replace(told, name="other"), "mixed-runs"),
    "reference or not": ("decision", lambda told: msgspec.structs.replace(told, reference=True), "mixed-runs"),
    "a control left out": (
        "decision",
        lambda told: msgspec.structs.replace(told, controls=told.controls[:1]),
        "controls-differ",
    ),
    "a control twice": (
        "decision",
        lambda told: msgspec.structs.replace(told, controls=told.controls + told.controls[:1]),
        "controls-differ",
    ),
    "a sign-off pending": (
        "decision",
        lambda told: msgspec.structs.replace(told, sign_offs=(SignOff("security"),)),
        "verdict-contradicts",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_documents_that_contradict_each_other(case: str, written: Callable[..., Path], key: SigningKey, story: Any):
    name, change, code = CONTRADICTIONS[case]
    run = written()
    files.write_json(run, f"{name}.json", change(getattr(story(), name)()))
    with pytest.raises(SealError) as caught:
        files.seal(run, key)
    assert caught.value.code == code
    assert not (run / "attestations").exists()


def test_nothing_executed_is_never_green(written: Callable[..., Path], key: SigningKey, story: Any):
    run, told = written(), story()
    files.write_json(run, "record.json", msgspec.structs.replace(told.record(), controls=()))
    files.write_json(run, "decision.json", msgspec.structs.replace(told.decision(), controls=()))
    with pytest.raises(SealError, match="no control passed"):
        files.seal(run, key)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda run: (run / "evidence/link").symlink_to("runlog.jsonl"), "symlink"),
        (lambda run: os.mkfifo(run / "evidence/pipe"), "special-file"),
        (lambda run: (run / "evidence/a\\b").write_text(""), "file-name"),
        (lambda run: (run / "record.json").unlink(), "record-missing"),
        (lambda run: (run / "decision.json").write_text("{}"), "decision-shape"),
        (lambda run: (run / "decision.json").write_text('{"a":1,"a":2}'), "duplicate-key"),
    ],
)
def test_what_is_not_sealed(
    spoil: Callable[[Path], Any], code: str, sealed: Callable[..., Path], verified: Any, key: SigningKey
):
    run = sealed()
    spoil(run)
    with pytest.raises(SealError) as caught:
        files.seal(run, key)
    assert caught.value.code == code
    assert not verified(run).accepted
    assert not (run / "attestations").exists()


def test_floats_are_not_written(home: Path):
    with pytest.raises(SealError, match=r"\$\.timings\.boot: a float"):
        files.write_json(home, "record.json", {"timings": {"boot": 1.8}})
    assert list(home.iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from certify.seal import files, keys
run, wanted = Path(sys.argv[1]), int(sys.argv[2])
key = keys.SigningKey(keys.read_private(Path(sys.argv[3]).read_bytes()))
real, calls = os.fsync, 0
def fsync(handle):
    global calls
    calls += 1
    if calls == wanted:
        os.kill(os.getpid(), 9)
    real(handle)
os.fsync = fsync
files.seal(run, key)
"""


def test_a_killed_sealing_leaves_nothing_that_verifies(
    tmp_path: Path, sealed: Callable[..., Path], verified: Any, key: SigningKey, story: Any
):
    """Killed at every sync in turn, also on top of an older seal; sealing again mends it."""
    run = sealed()
    path = tmp_path / "key.pem"
    path.write_bytes(keys.plain_pem(key.private))
    for moment in (1, 2, 3, 4, 5, 6, 8, 12, 20, 25):
        words = [sys.executable, "-c", KILLED, str(run), str(moment), str(path)]
        assert subprocess.run(words, check=False).returncode == -9
        assert not verified(run).accepted
    files.seal(run, key)
    assert verified(run).accepted
    assert not list(run.glob(".*"))
    assert story().verdict is verified(run).verdict
