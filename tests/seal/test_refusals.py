"""What must be refused, each thing done to a really sealed run."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.model.outcome import Outcome, Verdict
from certify.seal import canonical, documents, files, keys
from certify.seal.errors import SealError

Spoil = Callable[[Path], Any]


def replace(path: str, old: str, new: str) -> Spoil:
    def spoil(run: Path) -> None:
        text = (run / path).read_text()
        assert old in text
        (run / path).write_text(text.replace(old, new, 1))

    return spoil


def cut(path: str) -> Spoil:
    return lambda run: (run / path).write_bytes((run / path).read_bytes()[:-20])


def link(path: str, target: str) -> Spoil:
    def spoil(run: Path) -> None:
        (run / path).unlink(missing_ok=True)
        (run / path).symlink_to(target)

    return spoil


def linked_folder(run: Path) -> None:
    shutil.move(run / "evidence", run.parent / "elsewhere")
    (run / "evidence").symlink_to(run.parent / "elsewhere")


def sums_line(line: str) -> Spoil:
    """Add a line to SHA256SUMS, at its sorted place."""

    def spoil(run: Path) -> None:
        lines = [*(run / "SHA256SUMS").read_text().splitlines(), line]
        (run / "SHA256SUMS").write_text("".join(f"{text}\n" for text in sorted(lines, key=lambda text: text[66:])))

    return spoil


def with_sums(spoil: Spoil) -> Spoil:
    """The same, by somebody who also brings SHA256SUMS up to date."""

    def both(run: Path) -> None:
        spoil(run)
        paths = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
        listed = [path for path in paths if path != "SHA256SUMS" and not path.startswith("attestations/")]
        lines = [f"{hashlib.sha256((run / path).read_bytes()).hexdigest()}  {path}\n" for path in listed]
        (run / "SHA256SUMS").write_text("".join(lines))

    return both


EVIDENCE = "evidence/health/ready.json"
RED = replace("record.json", '"outcome": "pass"', '"outcome": "fail"')
SPOILED: dict[str, tuple[Spoil, str, str]] = {
    "record edited": (RED, "record-edited", "record.json"),
    "decision edited": (replace("decision.json", "all 2", "all 3"), "decision-edited", "decision.json"),
    "release edited": (replace("release.json", "shop 1.4", "shop 1.5"), "release-edited", "release.json"),
    "html edited": (replace("report.html", "CERTIFIED", "PERFECT"), "report-edited", "report.html"),
    "markdown edited": (replace("report.md", "CERTIFIED", "PERFECT"), "report-edited", "report.md"),
    "junit edited": (replace("junit.xml", "CERTIFIED", "PERFECT"), "report-edited", "junit.xml"),
    "summary edited": (replace("summary.md", "CERTIFIED", "PERFECT"), "report-edited", "summary.md"),
    "evidence edited": (replace(EVIDENCE, "18", "17"), "evidence-edited", EVIDENCE),
    "evidence truncated": (lambda run: (run / EVIDENCE).write_bytes(b""), "evidence-edited", EVIDENCE),
    "evidence missing": (lambda run: (run / EVIDENCE).unlink(), "evidence-missing", EVIDENCE),
    "evidence gone": (lambda run: shutil.rmtree(run / "evidence"), "evidence-missing", EVIDENCE),
    "evidence extra": (lambda run: (run / "evidence/new").write_text("x"), "evidence-extra", "evidence/new"),
    "hidden extra": (lambda run: (run / "evidence/.new").write_text(""), "evidence-extra", "evidence/.new"),
    "evidence renamed": (
        lambda run: (run / EVIDENCE).rename(run / "evidence/health/r"),
        "evidence-extra",
        "evidence/health/r",
    ),
    "report missing": (lambda run: (run / "report.html").unlink(), "report-missing", "report.html"),
    "report extra": (lambda run: (run / "index.html").write_text("x"), "report-extra", "index.html"),
    "evidence linked": (link(EVIDENCE, "../runlog.jsonl"), "symlink", EVIDENCE),
    "link to itself": (link(EVIDENCE, "ready.json"), "symlink", EVIDENCE),
    "extra link": (link("evidence/more", "/etc/hostname"), "symlink", "evidence/more"),
    "dangling link": (link("evidence/more", "nowhere"), "symlink", "evidence/more"),
    "folder linked": (linked_folder, "symlink", "evidence"),
    "record linked": (link("record.json", "decision.json"), "symlink", "record.json"),
    "bundle linked": (
        link("attestations/svr.dsse.json", "vsa.dsse.json"),
        "symlink",
        "attestations/svr.dsse.json",
    ),
    "a pipe": (lambda run: os.mkfifo(run / "evidence/pipe"), "special-file", "evidence/pipe"),
    "a name with a line feed": (lambda run: (run / "evidence/a\nb").write_text(""), "file-name", "'evidence/a\\nb'"),
    "a name in broken text": (
        lambda run: Path(os.fsdecode(os.fsencode(run) + b"/evidence/\xff")).write_text(""),
        "file-name",
        "'evidence/\\udcff'",
    ),
    "sums with ..": (sums_line(f"{'0' * 64}  ../secret"), "unsafe-path", "SHA256SUMS"),
    "sums with inner ..": (sums_line(f"{'0' * 64}  evidence/../record.json"), "unsafe-path", "SHA256SUMS"),
    "sums absolute": (sums_line(f"{'0' * 64}  /etc/hostname"), "unsafe-path", "SHA256SUMS"),
    "sums of themselves": (sums_line(f"{'0' * 64}  SHA256SUMS"), "unsafe-path", "SHA256SUMS"),
    "sums twice": (sums_line(f"{'0' * 64}  report.html"), "sums-malformed", "SHA256SUMS"),
    "sums in binary mode": (replace("SHA256SUMS", "  ", " *"), "sums-malformed", "SHA256SUMS"),
    "sums truncated": (cut("SHA256SUMS"), "sums-malformed", "SHA256SUMS"),
    "sums empty": (lambda run: (run / "SHA256SUMS").write_text(""), "sums-malformed", "SHA256SUMS"),
    "sums missing": (lambda run: (run / "SHA256SUMS").unlink(), "not-sealed", "SHA256SUMS"),
    "seal taken off": (lambda run: shutil.rmtree(run / "attestations"), "not-sealed", "attestations/"),
    "record missing": (lambda run: (run / "record.json").unlink(), "record-missing", "record.json"),
    "record truncated": (cut("record.json"), "not-json", "record.json"),
    "bundle truncated": (cut("attestations/decision.sigstore.json"), "not-json", "attestations/decision.sigstore.json"),
    "bundle missing": (
        lambda run: (run / "attestations/svr.sigstore.json").unlink(),
        "attestation-missing",
        "attestations/svr.sigstore.json",
    ),
    "lines missing": (
        lambda run: (run / "attestations/certificate.intoto.jsonl").unlink(),
        "attestation-missing",
        "attestations/certificate.intoto.jsonl",
    ),
    "lines shortened": (
        replace("attestations/certificate.intoto.jsonl", "\n", ""),
        "wrappings-differ",
        "attestations/certificate.intoto.jsonl",
    ),
    "attestation extra": (
        lambda run: shutil.copy(run / "record.json", run / "attestations/x.json"),
        "attestation-extra",
        "attestations/x.json",
    ),
    "duplicate key": (
        replace("decision.json", '"verdict":', '"verdict": "CERTIFIED",\n  "verdict":'),
        "duplicate-key",
        "decision.json",
    ),
    "a float": (replace("record.json", '"seed": 0', '"seed": 0.5'), "json-float", "record.json"),
    "not a number": (replace("record.json", '"seed": 0', '"seed": NaN'), "json-float", "record.json"),
    "byte order mark": (replace("release.json", "{", "\ufeff{"), "byte-order-mark", "release.json"),
    "unknown verdict": (replace("decision.json", '"CERTIFIED"', '"SUPERB"'), "decision-shape", "decision.json"),
    "another schema": (
        replace("release.json", '"schemaVersion": 1', '"schemaVersion": 2'),
        "schema-version",
        "release.json",
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled(case: str, sealed: Callable[..., Path], refused: Callable[..., set[tuple[str, str]]]):
    spoil, code, file = SPOILED[case]
    run = sealed()
    spoil(run)
    assert (code, file) in refused(run)


@pytest.mark.parametrize("case", [name for name in SPOILED if name.endswith(("edited", "missing", "extra", "gone"))])
def test_spoiled_by_one_who_knows_the_sums(
    case: str, sealed: Callable[..., Path], refused: Callable[..., set[tuple[str, str]]]
):
    spoil, _, file = SPOILED[case]
    run = sealed()
    with_sums(spoil)(run) if not file.startswith("attestations") and file != "SHA256SUMS" else spoil(run)
    assert refused(run)


def test_the_signed_digest_of_a_document_is_named(
    sealed: Callable[..., Path], refused: Callable[..., set[tuple[str, str]]]
):
    run = sealed()
    with_sums(replace("record.json", '"seed": 0', '"seed": 1'))(run)
    assert {("record-edited", "record.json"), ("record-edited", "SHA256SUMS")} & refused(run)
    assert ("sums-edited", "SHA256SUMS") in refused(run)


def test_a_link_stops_before_anything_is_read(sealed: Callable[..., Path], verified: Callable[..., Any]):
    run = sealed()
    link("decision.json", "/etc/hostname")(run)
    (run / "record.json").write_text("rubbish")
    assert [problem.code for problem in verified(run).problems] == ["symlink"]


def test_the_folder_itself_may_be_reached_by_a_link(sealed: Callable[..., Path], verified: Callable[..., Any]):
    run = sealed()
    latest = run.parent / "latest"
    latest.symlink_to(run)
    assert verified(latest).accepted


def test_signature_changed(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    other = forger.statement(run, "svr")
    forger.payload(run, "decision", json.dumps(other).encode(), None)
    stolen = json.loads((run / "attestations/decision.dsse.json").read_text())
    run = sealed(name="again")
    honest = json.loads((run / "attestations/decision.dsse.json").read_text())
    forger.envelope(run, "decision", {**honest, "signatures": stolen["signatures"]})
    assert ("signature-invalid", "attestations/decision.sigstore.json") in refused(run)


def test_signature_of_one_wrapping_changed(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    bare = run / "attestations/decision.dsse.json"
    again = sealed(name="again")
    forger.payload(again, "decision", json.dumps(forger.statement(again, "decision")).encode())
    shutil.copy(again / "attestations/decision.dsse.json", bare)
    assert ("wrappings-differ", "attestations/decision.dsse.json") in refused(run)


def test_resealed_by_another_key(sealed: Callable[..., Path], refused: Callable[..., Any], other_key: keys.SigningKey):
    run = sealed()
    files.seal(run, other_key)
    problems = refused(run)
    assert {code for code, _ in problems} == {"signer-unknown"}
    assert len(problems) == 5


def test_edited_and_resealed_by_another_key_under_the_right_hint(
    sealed: Callable[..., Path],
    refused: Callable[..., Any],
    other_key: keys.SigningKey,
    key: keys.SigningKey,
    story: Any,
):
    run = sealed(story(verdict=Verdict.NOT_CERTIFIED))
    files.seal(run, other_key)
    for path in run.glob("attestations/*.sigstore.json"):
        path.write_text(path.read_text().replace(other_key.public.fingerprint, key.public.fingerprint))
    assert {code for code, _ in refused(run)} == {"signature-invalid"}


def test_hint_of_another_key(
    sealed: Callable[..., Path], refused: Callable[..., Any], other_key: keys.SigningKey, key: keys.SigningKey
):
    run = sealed()
    path = run / "attestations/vsa.sigstore.json"
    path.write_text(path.read_text().replace(key.public.fingerprint, other_key.public.fingerprint))
    assert refused(run) == {("hint-differs", "attestations/vsa.sigstore.json"), ("mixed-signers", "attestations")}


MIXED = (
    "release.json",
    "record.json",
    "decision.json",
    "SHA256SUMS",
    "report.html",
    "evidence/runlog.jsonl",
    "attestations/certification",
    "attestations/decision",
    "attestations/test-result",
)


@pytest.mark.parametrize("file", MIXED)
def test_files_of_two_runs(file: str, sealed: Callable[..., Path], refused: Callable[..., Any], story: Any):
    good = sealed(story(commit="b" * 40, run_id="run-2"), "good")
    bad = sealed(story(verdict=Verdict.NOT_CERTIFIED), "bad")
    (good / "evidence/runlog.jsonl").touch()
    (good / "report.html").write_text("the report of the other run")
    for path in good.glob(f"{file}*"):
        shutil.copy(path, bad / path.relative_to(good))
    if file == "evidence/runlog.jsonl":
        (bad / file).write_text("{}\n")
    assert refused(bad)


@pytest.mark.parametrize("name", ["certification", "decision"])
def test_attestation_of_another_run_of_the_same_release(
    name: str, sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any, story: Any
):
    run, other = sealed(), sealed(story(run_id="run-2"), "other")
    forger.envelope(run, name, json.loads((other / f"attestations/{name}.dsse.json").read_text()))
    assert ("mixed-runs", f"attestations/{name}.sigstore.json") in refused(run)


def test_better_decision_of_another_run_with_its_attestations(
    sealed: Callable[..., Path], refused: Callable[..., Any], story: Any
):
    bad, good = sealed(story(verdict=Verdict.NOT_CERTIFIED)), sealed(story(run_id="run-2"), "good")
    shutil.copy(good / "decision.json", bad / "decision.json")
    shutil.rmtree(bad / "attestations")
    shutil.copytree(good / "attestations", bad / "attestations")
    assert {code for code, _ in refused(bad)} >= {"mixed-runs", "decision-edited"}


@pytest.mark.parametrize("commit", ["b" * 40, "0a1b2c4", "0a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"])
def test_another_commit(commit: str, sealed: Callable[..., Path], refused: Callable[..., Any]):
    assert refused(sealed(), commit=commit) == {("commit-differs", "release.json")}


def test_commit_of_a_dirty_tree(sealed: Callable[..., Path], refused: Callable[..., Any], story: Any):
    assert refused(sealed(story(dirty=True)), commit="0a1b2c3") == {("commit-dirty", "release.json")}


def test_commit_of_a_release_that_knows_none(sealed: Callable[..., Path], refused: Callable[..., Any], story: Any):
    assert refused(sealed(story(commit="")), commit="0a1b2c3") == {("commit-differs", "release.json")}


@pytest.mark.parametrize("reference", [True, False])
def test_svr_that_was_not_earned(
    reference: bool,  # noqa: FBT001 - pytest passes it by name
    sealed: Callable[..., Path],
    refused: Callable[..., Any],
    story: Any,
):
    verdict = Verdict.CERTIFIED if reference else Verdict.NOT_CERTIFIED
    bad, good = sealed(story(verdict=verdict, reference=reference)), sealed(name="good")
    for path in good.glob("attestations/svr.*"):
        shutil.copy(path, bad / "attestations")
    assert {code for code, _ in refused(bad)} == {"attestation-not-earned"}


@pytest.mark.parametrize("outcome", [o for o in Outcome if o.value not in {"pass", "warn", "not-applicable"}])
def test_green_verdict_over_red_controls(
    outcome: Outcome, written: Callable[..., Path], key: keys.SigningKey, story: Any
):
    with pytest.raises(SealError, match="contradicts") as caught:
        files.seal(written(told=story(outcome=outcome)), key)
    assert caught.value.code == "verdict-contradicts"


def test_green_verdict_over_red_controls_that_somebody_sealed_all_the_same(
    written: Callable[..., Path],
    refused: Callable[..., Any],
    key: keys.SigningKey,
    story: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    run = written(told=story(outcome=Outcome.FAIL))
    with monkeypatch.context() as lax:
        lax.setattr(documents, "contradictions", lambda _: ())
        files.seal(run, key)
    assert refused(run) == {("verdict-contradicts", "decision.json")}


def test_sealed_by_two_keys(
    sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any, other_key: keys.SigningKey
):
    run = sealed()
    forger.payload(run, "svr", canonical.compact(forger.statement(run, "svr")), other_key)
    assert refused(run) == {("signer-unknown", "attestations/svr.sigstore.json"), ("mixed-signers", "attestations")}
