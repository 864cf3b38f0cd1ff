"""Reading a run's attestations without leniency and comparing what is signed with what lies there."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from certify.seal import bundle, canonical, dsse, files, statements, tree
from certify.seal.documents import Documents
from certify.seal.dsse import Envelope
from certify.seal.errors import Problem, SealError
from certify.seal.keys import PublicKey
from certify.seal.names import (
    ATTESTATIONS,
    BUNDLE_SUFFIX,
    CERTIFICATION,
    DECIDED,
    ENVELOPE_SUFFIX,
    LINES,
    MAX_ATTESTATION_BYTES,
    PREDICATE_TYPES,
    STATEMENT_TYPE,
    STATEMENT_TYPE_OLD,
    SUMS,
    TEST_RESULT,
    WHEN_CERTIFIED,
)

_CURE: Final = "Take the folder as a whole from where it was sealed, or seal the run again."
_CURE_OLD: Final = "Have cosign sign the statement unchanged: `cosign attest-blob --statement FILE`."
_CURE_SIGNER: Final = "Ask the signer for the right public key over another channel; do not take it out of the folder."
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Attestation(msgspec.Struct, frozen=True):
    """One attestation as it lies in the folder: its bundle's path, its envelope, the hint and the statement."""

    file: str
    envelope: Envelope
    hint: str
    statement: dict[str, Any]


def read_all(
    directory: Path, found: tuple[str, ...], names: tuple[str, ...]
) -> tuple[dict[str, Attestation], list[Problem]]:
    """Every attestation of `names` that can be read, and the problems of those that cannot and of the set of files."""
    wanted = {f"{ATTESTATIONS}/{name}{suffix}" for name in names for suffix in (BUNDLE_SUFFIX, ENVELOPE_SUFFIX)}
    wanted.add(f"{ATTESTATIONS}/{LINES}")
    problems = list(_set_of_files(set(found), wanted))
    read: dict[str, Attestation] = {}
    for name in names:
        if f"{ATTESTATIONS}/{name}{BUNDLE_SUFFIX}" in found and f"{ATTESTATIONS}/{name}{ENVELOPE_SUFFIX}" in found:
            try:
                read[name] = _read(directory, name)
            except SealError as error:
                problems.append(error.problem)
    if f"{ATTESTATIONS}/{LINES}" in found and len(read) == len(names):
        problems.extend(_lines(directory, read))
    return read, problems


def _set_of_files(found: set[str], wanted: set[str]) -> Iterator[Problem]:
    for path in sorted(wanted - found):
        yield Problem("attestation-missing", path, "an attestation is not there", _CURE)
    for path in sorted(found - wanted):
        stem = path.removeprefix(f"{ATTESTATIONS}/").partition(".")[0]
        if stem in WHEN_CERTIFIED:
            why = "claims a certified release, but the verdict or the reference stack forbids it"
            yield Problem("attestation-not-earned", path, why, _CURE)
        else:
            yield Problem("attestation-extra", path, "no attestation of this run", "Take the file out of the folder.")


def _bytes(directory: Path, path: str) -> bytes:
    with (directory / path).open("rb") as file:
        return file.read(MAX_ATTESTATION_BYTES + 1)


def _read(directory: Path, name: str) -> Attestation:
    path = f"{ATTESTATIONS}/{name}{BUNDLE_SUFFIX}"
    bare = f"{ATTESTATIONS}/{name}{ENVELOPE_SUFFIX}"
    try:
        envelope, hint = bundle.parse(_bytes(directory, path))
        statement = canonical.parse(envelope.payload)
        _check_header(statement, PREDICATE_TYPES[name])
    except SealError as error:
        raise error.within(path) from None
    try:
        other = dsse.parse(_bytes(directory, bare))
    except SealError as error:
        raise error.within(bare) from None
    if other != envelope:
        raise SealError("wrappings-differ", f"not the envelope of {name}{BUNDLE_SUFFIX}", file=bare, cure=_CURE)
    return Attestation(path, envelope, hint, statement)


def _lines(directory: Path, read: dict[str, Attestation]) -> Iterator[Problem]:
    path = f"{ATTESTATIONS}/{LINES}"
    if _bytes(directory, path) != files.lines(attestation.envelope for attestation in read.values()):
        yield Problem("wrappings-differ", path, "its lines are not the envelopes of the other files", _CURE)


def _check_header(statement: Any, predicate_type: str) -> None:
    fields = dsse.exactly(statement, "statement", {"_type", "subject", "predicateType", "predicate"})
    if fields["_type"] == STATEMENT_TYPE_OLD:
        raise SealError("statement-version", "an in-toto statement v0.1 instead of v1", cure=_CURE_OLD)
    if fields["_type"] != STATEMENT_TYPE:
        raise SealError("statement-type", f"the statement's type is not {STATEMENT_TYPE}", cure=_CURE)
    if fields["predicateType"] != predicate_type:
        raise SealError("predicate-type", f"the predicate's type is not {predicate_type}", cure=_CURE)


def check_signature(attestation: Attestation, key: PublicKey) -> Problem | None:
    """What is wrong with the signature under the caller's key, if anything."""
    verified = attestation.envelope.verified_by(key)
    if verified and attestation.hint == key.fingerprint:
        return None
    if verified:
        why = "the hint names another key than the one that signed"
        return Problem("hint-differs", attestation.file, why, _CURE)
    if attestation.hint == key.fingerprint:
        why = "the signature is not the trusted key's over this content"
        return Problem("signature-invalid", attestation.file, why, _CURE)
    why = f"sealed by another key: {attestation.hint}, trusted is {key.fingerprint}"
    return Problem("signer-unknown", attestation.file, why, _CURE_SIGNER)


def sealed_at(read: dict[str, Attestation]) -> str:
    """The time of sealing that the certification states, empty when it states none."""
    predicate = read[CERTIFICATION].statement["predicate"] if CERTIFICATION in read else None
    told = predicate.get("sealedAt") if isinstance(predicate, dict) else None
    return told if isinstance(told, str) and _TIME.fullmatch(told) else ""


def differences(
    read: dict[str, Attestation], documents: Documents, sums: bytes, listed: dict[str, str]
) -> Iterator[Problem]:
    """Where the statements are not those that follow from the files: the files of two runs, or an edited file."""
    digest = hashlib.sha256(sums).hexdigest()
    wanted = statements.build(statements.Facts(documents, digest, len(listed), sealed_at(read)))
    for name, attestation in read.items():
        if attestation.envelope.payload != canonical.compact(wanted[name]):
            yield from _explained(name, attestation, wanted[name])


def _explained(name: str, attestation: Attestation, wanted: dict[str, Any]) -> Iterator[Problem]:
    """The most telling difference of one statement. All differences are refused; this only finds words for them."""
    told, right = attestation.statement["predicate"], wanted["predicate"]
    predicate = told if isinstance(told, dict) else {}
    if attestation.statement["subject"] != wanted["subject"]:
        yield Problem("release-differs", attestation.file, "its subject is not this release.json", _CURE)
    elif predicate.get("runId") != right.get("runId"):
        yield Problem("mixed-runs", attestation.file, "it is about another run", _CURE)
    elif name == DECIDED and predicate.get("verdict") != right["verdict"]:
        yield Problem("verdict-differs", attestation.file, "it states another verdict than decision.json", _CURE)
    elif name == TEST_RESULT and predicate.get("result") != right["result"]:
        yield Problem("verdict-differs", attestation.file, "its result contradicts the verdict of decision.json", _CURE)
    elif name == CERTIFICATION and _edited(predicate, right):
        yield from (tree.edited(path) for path in _edited(predicate, right))
    else:
        yield Problem("attestation-differs", attestation.file, "it does not follow from the files of this run", _CURE)


def _edited(told: dict[str, Any], right: dict[str, Any]) -> list[str]:
    listed = told.get("documents")
    named = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    digests = {item.get("name"): item.get("digest") for item in named if isinstance(item.get("name"), str)}
    edited = [item["name"] for item in right["documents"] if digests.get(item["name"]) != item["digest"]]
    return edited + ([SUMS] if told.get("sums") != right["sums"] else [])
