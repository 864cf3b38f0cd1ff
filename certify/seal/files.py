"""Writing and sealing the file set of a run.

    release.json  record.json  decision.json      the documents
    report.html ... evidence/...                  whatever else the run leaves
    SHA256SUMS                                    digest of every file above
    attestations/NAME.sigstore.json, NAME.dsse.json, certificate.intoto.jsonl

What holds what: `SHA256SUMS` lists every regular file but itself and the attestations. The signed statement
`certification/v1` carries the digest of `SHA256SUMS`, of the record and of the decision; its subject is the digest of
the release. So one signature covers every byte of the run, reports included, and the *set* of files. Reports are
rendered from record and decision and are written before sealing. Deciding again rewrites the decision and the reports,
and seals anew; the record and its digest, which sign-offs refer to, stay as they are.

Order, so that a killed sealing leaves nothing that verifies: the old attestations go first, the new ones appear last
and all at once, by one rename. Every file is written beside its place, synced and renamed.
"""

import hashlib
import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from certify.seal import bundle, canonical, documents, dsse, statements, tree
from certify.seal.dsse import Envelope
from certify.seal.errors import Problem, SealError
from certify.seal.keys import SigningKey
from certify.seal.names import (
    ATTESTATIONS,
    BUNDLE_SUFFIX,
    DECISION,
    ENVELOPE_SUFFIX,
    LINES,
    RECORD,
    RELEASE,
    SUMS,
)

_DRAFT: Final = ".certify-draft"


class Sealed(msgspec.Struct, frozen=True):
    """What sealing made.

    Attributes:
        directory: the run's folder.
        signer: fingerprint of the key.
        key_origin: `environment`, `local` or `file`.
        release_digest: SHA-256 (hex) of `release.json`, the subject of all attestations.
        record_digest: SHA-256 (hex) of `record.json`, what sign-offs refer to.
        sums_digest: SHA-256 (hex) of `SHA256SUMS`.
        files: how many files `SHA256SUMS` lists.
        attestations: names of the attestations, such as `certification`.
        sealed_at: RFC 3339, UTC; the signer's own clock.
    """

    directory: str
    signer: str
    key_origin: str
    release_digest: str
    record_digest: str
    sums_digest: str
    files: int
    attestations: tuple[str, ...]
    sealed_at: str


def write_json(directory: Path, name: str, value: Any) -> str:
    """Write a document of plain values or structs and return its SHA-256 (hex). Raises `SealError` as `pretty` does."""
    return write_bytes(directory, name, canonical.pretty(msgspec.to_builtins(value)))


def write_text(directory: Path, name: str, text: str) -> str:
    """Write a report, UTF-8, and return its SHA-256 (hex)."""
    return write_bytes(directory, name, text.encode())


def write_bytes(directory: Path, name: str, data: bytes) -> str:
    """Write a file so that it is there whole or not at all, and return its SHA-256 (hex)."""
    draft = directory / f".{name}.{secrets.token_hex(8)}{_DRAFT}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / name)
    _sync(directory)
    return hashlib.sha256(data).hexdigest()


def seal_directory(
    directory: Path,
    *,
    release: dict[str, Any],
    record: dict[str, Any],
    decision: dict[str, Any],
    key: SigningKey,
) -> Sealed:
    """Write the three documents and seal the folder with everything that is in it. Raises as `seal` does."""
    for name, value in ((RELEASE, release), (RECORD, record), (DECISION, decision)):
        write_json(directory, name, value)
    return seal(directory, key)


def seal(directory: Path, key: SigningKey) -> Sealed:
    """Seal a folder that holds the documents, the evidence and the reports; an older seal is taken off first.

    Raises:
        SealError: a document is missing or malformed, the documents contradict each other, or the folder holds
            anything but regular files.
    """
    unseal(directory)
    found = tree.scan(directory)
    told = documents.read(directory)
    _refuse(*found.problems, *documents.contradictions(told))
    listed = found.sealed_files
    _refuse(*(tree.edited(name) for name, digest in told.digests.items() if listed.get(name) != digest))
    sums_digest = write_bytes(directory, SUMS, tree.sums(listed))
    facts = statements.Facts(told, sums_digest, len(listed), _now())
    signed = {name: dsse.sign(canonical.compact(statement), key) for name, statement in statements.build(facts).items()}
    _write_attestations(directory, signed, key)
    return Sealed(
        directory=str(directory),
        signer=key.public.fingerprint,
        key_origin=key.origin,
        release_digest=told.digests[RELEASE],
        record_digest=told.digests[RECORD],
        sums_digest=sums_digest,
        files=len(listed),
        attestations=tuple(signed),
        sealed_at=facts.sealed_at,
    )


def unseal(directory: Path) -> None:
    """Take the seal off a folder, and what a killed sealing left in it."""
    for leftover in (directory / ATTESTATIONS, *directory.glob(f".*{_DRAFT}"), directory / SUMS):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)
    _sync(directory)


def _write_attestations(directory: Path, signed: dict[str, Envelope], key: SigningKey) -> None:
    draft = directory / f".{ATTESTATIONS}{_DRAFT}"
    draft.mkdir()
    for name, envelope in signed.items():
        wrapped = bundle.wrap(envelope, key.public.fingerprint)
        write_bytes(draft, name + BUNDLE_SUFFIX, canonical.compact(wrapped) + b"\n")
        write_bytes(draft, name + ENVELOPE_SUFFIX, canonical.compact(envelope.as_json()) + b"\n")
    write_bytes(draft, LINES, lines(signed.values()))
    draft.rename(directory / ATTESTATIONS)
    _sync(directory)


def lines(envelopes: Any) -> bytes:
    """The bare envelopes, one a line: `certificate.intoto.jsonl`."""
    return b"".join(canonical.compact(envelope.as_json()) + b"\n" for envelope in envelopes)


def _refuse(*problems: Problem) -> None:
    for problem in problems:
        raise SealError(problem.code, problem.message, file=problem.file, cure=problem.cure)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
