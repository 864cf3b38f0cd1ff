"""Attestations that other verifiers take, or take by mistake, and ours refuses. The right key signs most of them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from certify.model.outcome import Verdict
from certify.seal import canonical, dsse, keys
from certify.seal.errors import SealError

DECISION = "attestations/decision.sigstore.json"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def deep(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(value))
    *folders, last = path.split(".")
    target = copy
    for name in folders:
        target = target[int(name)] if isinstance(target, list) else target[name]
    if new is None:
        del target[last]
    else:
        target[last] = new
    return copy


STATEMENTS = {
    "statement v0.1": ("_type", "https://in-toto.io/Statement/v0.1", "statement-version"),
    "another type": ("_type", "https://example.org/x", "statement-type"),
    "no type": ("_type", None, "shape"),
    "another predicate type": ("predicateType", "https://in-toto.io/attestation/svr/v0.2", "predicate-type"),
    "predicate type v2": ("predicateType", "https://certify.dev/attestation/decision/v2", "predicate-type"),
    "no predicate": ("predicate", None, "shape"),
    "text as predicate": ("predicate", "CERTIFIED", "mixed-runs"),
    "field of the statement": ("extra", 1, "unknown-field"),
    "no subject": ("subject", [], "release-differs"),
    "another subject": ("subject.0.digest.sha256", "0" * 64, "release-differs"),
    "upper-case digest": ("subject.0.digest.sha256", "AB" * 32, "release-differs"),
    "another name": ("subject.0.name", "other.json", "release-differs"),
    "another verdict": ("predicate.verdict", "CERTIFIED WITH WAIVERS", "verdict-differs"),
    "another run": ("predicate.runId", "run-9", "mixed-runs"),
    "a waiver hidden": ("predicate.waivers", [{"control": "x"}], "attestation-differs"),
    "field of the predicate": ("predicate.extra", 1, "attestation-differs"),
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_statement(case: str, sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    path, new, code = STATEMENTS[case]
    run = sealed()
    statement = deep(forger.statement(run, "decision"), path, new)
    forger.payload(run, "decision", canonical.compact(statement))
    assert refused(run) == {(code, DECISION)}


def test_old_statement_names_the_way_to_sign_it(sealed: Callable[..., Path], verified: Any, forger: Any):
    run = sealed()
    statement = forger.statement(run, "decision") | {"_type": "https://in-toto.io/Statement/v0.1"}
    forger.payload(run, "decision", canonical.compact(statement))
    assert "cosign attest-blob --statement" in verified(run).problems[0].cure


def test_certification_of_other_files(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    statement = forger.statement(run, "certification")
    for path in ("predicate.documents.0.digest.sha256", "predicate.sums.digest.sha256"):
        statement = deep(statement, path, "0" * 64)
    forger.payload(run, "certification", canonical.compact(statement))
    assert refused(run) == {("record-edited", "record.json"), ("sums-edited", "SHA256SUMS")}


def test_certification_without_its_time(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    statement = deep(forger.statement(run, "certification"), "predicate.sealedAt", "yesterday")
    forger.payload(run, "certification", canonical.compact(statement))
    assert ("attestation-differs", "attestations/certification.sigstore.json") in refused(run)


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.CERTIFIED])
def test_test_result_that_passed_all_the_same(
    verdict: Verdict, sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any, story: Any
):
    run = sealed(story(verdict=verdict))
    assert forger.statement(run, "test-result")["predicate"]["result"] == "FAILED"
    statement = deep(forger.statement(run, "test-result"), "predicate.result", "PASSED")
    forger.payload(run, "test-result", canonical.compact(statement))
    assert refused(run) == {("verdict-differs", "attestations/test-result.sigstore.json")}


def test_level_without_waivers(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any, story: Any):
    run = sealed(story(verdict=Verdict.CERTIFIED_WITH_WAIVERS))
    statement = deep(forger.statement(run, "svr"), "predicate.properties", ["CERTIFY_FINANCE_CERTIFIED"])
    forger.payload(run, "svr", canonical.compact(statement))
    assert refused(run) == {("attestation-differs", "attestations/svr.sigstore.json")}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"_type":"a","_type":"b"}', "duplicate-key"),
        (b"\xef\xbb\xbf{}", "byte-order-mark"),
        (b'{"a":1.5}', "json-float"),
        (b'{"a":NaN}', "json-float"),
        (b"[]", "shape"),
        (b'"text"', "shape"),
        (b"not json", "not-json"),
        (b'{"a":"\xff"}', "not-utf-8"),
        (b"[" * 100_000, "json-depth"),
        (b"[" * 100 + b"]" * 100, "json-depth"),
        (b'{"a":' + b"9" * 5000 + b"}", "json-value"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_payload(payload: bytes, code: str, sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    forger.payload(run, "decision", payload)
    assert refused(run) == {(code, DECISION)}


def test_payload_in_another_spelling(sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    run = sealed()
    forger.payload(run, "decision", canonical.pretty(forger.statement(run, "decision")))
    assert refused(run) == {("attestation-differs", DECISION)}


def raw(sig: str) -> str:
    r, s = decode_dss_signature(base64.b64decode(sig))
    return base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()


def long_form(sig: str) -> str:
    """The same two numbers in BER, which is not DER: a length of two bytes where one is enough."""
    der = base64.b64decode(sig)
    return base64.b64encode(der[:1] + b"\x81" + der[1:]).decode()


Change = Callable[[dict[str, Any], str], dict[str, Any]]
ENVELOPES: dict[str, tuple[Change, str]] = {
    "two signatures": (lambda e, sig: e | {"signatures": [{"sig": sig}, {"sig": sig}]}, "signature-count"),
    "no signature": (lambda e, _: e | {"signatures": []}, "signature-count"),
    "signature as object": (lambda e, sig: e | {"signatures": {"sig": sig}}, "signature-count"),
    "keyid": (lambda e, sig: e | {"signatures": [{"sig": sig, "keyid": "certify"}]}, "keyid"),
    "empty keyid": (lambda e, sig: e | {"signatures": [{"sig": sig, "keyid": ""}]}, "keyid"),
    "null keyid": (lambda e, sig: e | {"signatures": [{"sig": sig, "keyid": None}]}, "keyid"),
    "ssh keyid of another": (
        lambda e, sig: e | {"signatures": [{"sig": sig, "keyid": "SHA256:" + "A" * 43}]},
        "signature-invalid",
    ),
    "field of a signature": (lambda e, sig: e | {"signatures": [{"sig": sig, "cert": "x"}]}, "unknown-field"),
    "field of the envelope": (lambda e, _: e | {"extra": 1}, "unknown-field"),
    "payload type": (lambda e, _: e | {"payloadType": "application/json"}, "payload-type"),
    "base64url payload": (lambda e, _: e | {"payload": "_-" + e["payload"][2:]}, "base64"),
    "unpadded signature": (lambda e, _: e | {"signatures": [{"sig": "AAA"}]}, "base64"),
    "line feed in base64": (lambda e, _: e | {"payload": e["payload"][:64] + "\n" + e["payload"][64:]}, "base64"),
    "empty payload": (lambda e, _: e | {"payload": ""}, "base64"),
    "number as payload": (lambda e, _: e | {"payload": 7}, "base64"),
    "raw signature": (lambda e, sig: e | {"signatures": [{"sig": raw(sig)}]}, "signature-invalid"),
    "BER signature": (lambda e, sig: e | {"signatures": [{"sig": long_form(sig)}]}, "signature-invalid"),
    "rubbish as signature": (lambda e, _: e | {"signatures": [{"sig": "AAAA"}]}, "signature-invalid"),
}


@pytest.mark.parametrize("case", ENVELOPES)
def test_envelope(case: str, sealed: Callable[..., Path], refused: Callable[..., Any], forger: Any):
    change, code = ENVELOPES[case]
    run = sealed()
    envelope = json.loads((run / "attestations/decision.dsse.json").read_text())
    forger.envelope(run, "decision", change(envelope, envelope["signatures"][0]["sig"]))
    assert refused(run) == {(code, DECISION)}


def test_ssh_fingerprint_as_keyid_is_accepted(
    sealed: Callable[..., Path], verified: Any, forger: Any, key: keys.SigningKey
):
    run = sealed()
    for name in ("certification", "decision", "test-result", "svr", "vsa"):
        envelope = json.loads((run / f"attestations/{name}.dsse.json").read_text())
        envelope["signatures"][0]["keyid"] = key.public.ssh_fingerprint
        forger.envelope(run, name, envelope)
    assert verified(run).accepted


def test_the_other_half_of_the_curve_is_the_same_signer(key: keys.SigningKey):
    """ECDSA signatures have a twin that needs no key; so identity is the payload's digest, not the envelope's."""
    envelope = dsse.sign(b"{}", key)
    r, s = decode_dss_signature(envelope.signature)
    twin = dsse.Envelope(envelope.payload, encode_dss_signature(r, P256_ORDER - s))
    assert twin.signature != envelope.signature
    assert twin.verified_by(key.public)


@pytest.mark.parametrize("text", ["QUJ=", "QUI", "QUI==", "QU\nI=", " QUI=", "QUI=QUI=", "_-8=", "", None, 7, ["QUI="]])
def test_base64_has_one_spelling(text: Any):
    assert dsse.decode("QUI=") == b"AB"
    with pytest.raises(SealError) as caught:
        dsse.decode(text)
    assert caught.value.code == "base64"


@pytest.mark.parametrize(
    ("path", "new", "code"),
    [
        ("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json", "media-type"),
        ("extra", 1, "unknown-field"),
        ("verificationMaterial.tlogEntries", [], "unknown-field"),
        ("verificationMaterial.publicKey", None, "shape"),
        ("verificationMaterial.publicKey.hint", "", "base64"),
        ("verificationMaterial.publicKey.hint", "c2hvcnQ=", "shape"),
        ("verificationMaterial.publicKey.rawBytes", "c2hvcnQ=", "unknown-field"),
        ("dsseEnvelope", None, "shape"),
    ],
)
def test_bundle(path: str, new: Any, code: str, sealed: Callable[..., Path], refused: Callable[..., Any]):
    run = sealed()
    value = json.loads((run / DECISION).read_text())
    (run / DECISION).write_text(json.dumps(deep(value, path, new)))
    assert refused(run) == {(code, DECISION)}


def spki(private: Any) -> bytes:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return bytes(private.public_key().public_bytes(*form))


KEYS: dict[str, tuple[Callable[[keys.SigningKey], bytes], str]] = {
    "P-384": (lambda _: spki(ec.generate_private_key(ec.SECP384R1())), "key-kind"),
    "secp256k1": (lambda _: spki(ec.generate_private_key(ec.SECP256K1())), "key-kind"),
    "Ed25519": (lambda _: spki(ed25519.Ed25519PrivateKey.generate()), "key-kind"),
    "RSA": (lambda _: spki(rsa.generate_private_key(65537, 2048)), "key-kind"),
    "the private key": (lambda key: keys.plain_pem(key.private), "key-kind"),
    "two keys": (lambda key: key.public.pem * 2, "key-unreadable"),
    "broken": (lambda key: key.public.pem[:60] + b"\n-----END PUBLIC KEY-----\n", "key-unreadable"),
    "empty": (lambda _: b"", "key-unreadable"),
}


@pytest.mark.parametrize("case", KEYS)
def test_key_of_the_caller(
    case: str, tmp_path: Path, sealed: Callable[..., Path], refused: Callable[..., Any], key: keys.SigningKey
):
    make, code = KEYS[case]
    path = tmp_path / "given.pub"
    path.write_bytes(make(key))
    assert refused(sealed(), public_key=path) == {(code, str(path))}
