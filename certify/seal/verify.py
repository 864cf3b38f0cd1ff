"""Whether a folder is what somebody sealed, who that was, and what it certifies.

The signature is checked with a key of the caller's; none is ever taken out of the folder. Every statement is built
again from the files and must equal the signed one, so nothing but the signed bytes decides.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from certify.seal import attested, documents, keystore, statements, tree
from certify.seal.attested import Attestation
from certify.seal.documents import Documents
from certify.seal.errors import KeyFileError, Problem, SealError
from certify.seal.keys import PublicKey
from certify.seal.names import ATTESTATIONS, MAX_DOCUMENT_BYTES, SUMS
from certify.seal.result import Signer, VerifyResult
from certify.seal.tree import Tree

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}")
_CURE_SEAL: Final = "Name the folder that `certify` wrote; a run that was killed has no seal."
_CURE_KEY: Final = "Pass the signer's public key: `--key certify.pub`, or set CERTIFY_PUBLIC_KEY."
_CURE_COMMIT: Final = "Verify the certificate of that commit, or certify it."


def verify(
    directory: Path, *, public_key: Path | None = None, commit: str = "", environ: Mapping[str, str] | None = None
) -> VerifyResult:
    """Verify a sealed folder.

    Args:
        directory: the folder of the run.
        public_key: PEM file of the key to trust; else CERTIFY_PUBLIC_KEY, else the caller's own key.
        commit: hex, at least 7 digits, of the commit that must be the certified one; empty for any.
        environ: environment variables, `os.environ` by default.

    Raises:
        SealError: `usage`: there is no such folder, `commit` is no commit, or the named key file is not there.
    """
    if not directory.is_dir():
        raise SealError("usage", "there is no such folder", file=str(directory), cure=_CURE_SEAL)
    if commit and not _COMMIT.fullmatch(commit):
        raise SealError("usage", f"{commit!r} is no commit: 7 to 64 hex digits", cure="Give `git rev-parse HEAD`.")
    key, source, problems = _key(public_key, environ)
    found = tree.scan(directory)
    seen = _Seen(directory, key, source, found)
    if found.problems:  # links and devices: nothing further is opened
        return seen.refused(*found.problems)
    try:
        told, sums = documents.read(directory), _read_sums(directory)
    except SealError as error:
        listed = _listed_or_none(directory)
        return seen.refused(*(tree.compare(found.sealed_files, listed) if listed else ()), error.problem)
    return _judge(seen, told, sums, commit, problems)


class _Seen:
    """What is known before anything is judged, for the answers that tell nothing else."""

    def __init__(self, directory: Path, key: PublicKey | None, source: str, found: Tree) -> None:
        self.directory, self.key, self.source, self.found = directory, key, source, found

    def signer(self, claimed: str = "", *, trusted: bool = False) -> Signer:
        return Signer(claimed, trusted, self.source, self.key.fingerprint if self.key else "")

    def refused(self, *problems: Problem, claimed: str = "") -> VerifyResult:
        unique = {(problem.code, problem.file): problem for problem in reversed(problems)}
        ordered = tuple(reversed(unique.values()))
        return VerifyResult(str(self.directory), problems=ordered, signer=self.signer(claimed))


def _key(path: Path | None, environ: Mapping[str, str] | None) -> tuple[PublicKey | None, str, list[Problem]]:
    try:
        trusted = keystore.trusted_key(path) if environ is None else keystore.trusted_key(path, environ)
    except KeyFileError as error:
        if error.code == "key-missing":
            raise SealError("usage", error.problem.message, file=error.problem.file, cure=error.problem.cure) from None
        return None, "", [error.problem]
    if trusted is None:
        why = "no key to check the signer with: who sealed this is unknown, the files only agree with each other"
        return None, "", [Problem("signer-not-checked", "", why, _CURE_KEY)]
    return *trusted, []


def _read_sums(directory: Path) -> bytes:
    path = directory / SUMS
    if not path.exists() or not (directory / ATTESTATIONS).exists():
        what = SUMS if not path.exists() else f"{ATTESTATIONS}/"
        raise SealError("not-sealed", "not there, so the folder is not sealed", file=what, cure=_CURE_SEAL)
    with path.open("rb") as file:
        data = file.read(MAX_DOCUMENT_BYTES)
    tree.parse_sums(data)
    return data


def _listed_or_none(directory: Path) -> dict[str, str] | None:
    try:
        return tree.parse_sums(_read_sums(directory))
    except SealError:
        return None


def _judge(seen: _Seen, told: Documents, sums: bytes, commit: str, problems: list[Problem]) -> VerifyResult:
    listed = tree.parse_sums(sums)
    digests = {**seen.found.sealed_files, **told.digests}
    problems = [*problems, *tree.compare(digests, listed), *documents.contradictions(told)]
    names = statements.expected(told)
    read, unreadable = attested.read_all(seen.directory, seen.found.attestations, names)
    unsigned = _signatures(read, seen.key)
    problems += [*unreadable, *unsigned, *attested.differences(read, told, sums, listed)]
    problems += _commit_problems(told, commit)
    claimed = next((attestation.hint for attestation in read.values()), "")
    if problems:
        return seen.refused(*problems, claimed=claimed)
    return VerifyResult(
        directory=str(seen.directory),
        accepted=True,
        signer=seen.signer(claimed, trusted=True),
        files=len(listed),
        attestations=names,
        verdict=told.decision.verdict,
        reason=told.decision.reason,
        profile=told.record.profile,
        release=told.release.name,
        reference=told.reference,
        components=told.release.components,
        run_id=told.record.run_id,
        sealed_at=attested.sealed_at(read),
        not_checked=_not_checked(told, commit, seen.source),
    )


def _signatures(read: dict[str, Attestation], key: PublicKey | None) -> list[Problem]:
    hints = {attestation.hint for attestation in read.values()}
    several = f"the bundles name {len(hints)} signers"
    mixed = [Problem("mixed-signers", ATTESTATIONS, several, _CURE_SEAL)] if len(hints) > 1 else []
    checked = [attested.check_signature(attestation, key) for attestation in read.values()] if key else []
    return [*mixed, *(problem for problem in checked if problem)]


def _commit_problems(told: Documents, commit: str) -> list[Problem]:
    parts = told.release.components
    if not commit:
        return []
    same = [part for part in parts if part.commit and part.commit.lower().startswith(commit.lower())]
    if not same:
        known = ", ".join(sorted({part.commit[:12] for part in parts if part.commit})) or "no known commit"
        return [Problem("commit-differs", "release.json", f"{commit} is not certified here, but {known}", _CURE_COMMIT)]
    dirty = sorted({part.name for part in same if part.dirty})
    why = f"{', '.join(dirty)}: tested with uncommitted changes, so not as {commit} has it"
    return [Problem("commit-dirty", "release.json", why, "Commit and certify again.")] if dirty else []


def _not_checked(told: Documents, commit: str, source: str) -> tuple[str, ...]:
    parts = told.release.components
    loose = sorted(part.name for part in parts if part.status != "verified")
    notes = [] if commit else ["which commit you mean: name it with --commit SHA"]
    if loose:
        notes.append(f"the commit of {', '.join(loose)}: told by the profile or unknown, not seen by certify")
    if source == keystore.LOCAL_SOURCE:
        notes.append("anybody else's key: you trusted your own local one, so this says that you sealed it")
    return (
        *notes,
        "the figures themselves: a signature says who signed, not that the machine measured right",
        "when it was sealed: the time is the signer's own clock",
        "whether the key was withdrawn, or a newer certificate replaces this one",
        "whether the decision follows from the record: it was not taken again",
    )
