"""The three documents of a run, read strictly and typed, and whether they can belong together."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from certify.model.decision import Decision
from certify.model.outcome import Mode, Outcome, Verdict
from certify.model.record import SCHEMA_VERSION, Record, Release
from certify.seal import canonical
from certify.seal.errors import Problem, SealError
from certify.seal.names import DECISION, MAX_DOCUMENT_BYTES, RECORD, RELEASE

CERTIFIED: Final = (Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS)
_GOOD: Final = {Outcome.PASS, Outcome.WARN, Outcome.NOT_APPLICABLE}
_CURE: Final = "Take the decision again from the record and seal the run again."
_Document = TypeVar("_Document", Release, Record, Decision)


class Documents(msgspec.Struct, frozen=True):
    """Release, record and decision of one run.

    Attributes:
        release, record, decision: typed.
        told: the record and the decision as plain JSON, by file name. What is signed is taken from there, because a
            newer model may add fields.
        digests: SHA-256 (hex) of each of the three files, by file name.
    """

    release: Release
    record: Record
    decision: Decision
    told: dict[str, dict[str, Any]]
    digests: dict[str, str]

    @property
    def certified(self) -> bool:
        """Whether the verdict is one that others may rely on: certified, also with waivers."""
        return self.decision.verdict in CERTIFIED

    @property
    def reference(self) -> bool:
        """Whether the reference stack was tested, which certifies nobody's product."""
        return self.release.reference or self.decision.reference or self.record.release.reference


def read(directory: Path) -> Documents:
    """Read the three documents.

    Raises:
        SealError: one is missing, not strict JSON, or not of the shape of its model.
    """
    release, _, release_digest = _read(directory, RELEASE, Release)
    record, told_record, record_digest = _read(directory, RECORD, Record)
    decision, told_decision, decision_digest = _read(directory, DECISION, Decision)
    told = {RECORD: told_record, DECISION: told_decision}
    digests = {RELEASE: release_digest, RECORD: record_digest, DECISION: decision_digest}
    return Documents(release, record, decision, told, digests)


def _read(directory: Path, name: str, model: type[_Document]) -> tuple[_Document, dict[str, Any], str]:
    stem = name.removesuffix(".json")
    try:
        with (directory / name).open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
        told = canonical.parse(data)
        value = msgspec.convert(told, model)
    except OSError as error:
        raise SealError(f"{stem}-missing", f"cannot be read: {error.strerror}", file=name, cure=_CURE) from None
    except msgspec.ValidationError as error:
        raise SealError(f"{stem}-shape", f"not what certify writes: {error}", file=name, cure=_CURE) from None
    except SealError as error:
        raise error.within(name) from None
    if value.schema_version != SCHEMA_VERSION:
        why = f"schemaVersion {value.schema_version}, this certify reads {SCHEMA_VERSION}"
        raise SealError("schema-version", why, file=name, cure="Verify with the certify that wrote it.")
    return value, told, hashlib.sha256(data).hexdigest()


def contradictions(documents: Documents) -> Iterator[Problem]:
    """Everything by which the documents cannot be one run's, or the verdict cannot follow from the outcomes.

    The decision is not taken again here: this is the last guard against a green verdict over red controls.
    """
    release, record, decision = documents.release, documents.record, documents.decision
    if record.run_id != decision.run_id:
        why = f"run {decision.run_id!r}, but the record is of run {record.run_id!r}"
        yield Problem("mixed-runs", DECISION, why, "Put the files of one run together.")
    if record.profile != decision.profile:
        yield Problem("mixed-runs", DECISION, "decided by another profile than the record's", _CURE)
    if record.release != release:
        yield Problem("mixed-runs", RELEASE, "not the release that the record names", _CURE)
    if decision.reference != release.reference:
        yield Problem("mixed-runs", DECISION, "reference stack or not: release and decision disagree", _CURE)
    if Counter(control.id for control in record.controls) != Counter(control.id for control in decision.controls):
        yield Problem("controls-differ", DECISION, "its controls are not those of the record", _CURE)
    elif documents.certified:
        yield from _not_green(documents)


def _not_green(documents: Documents) -> Iterator[Problem]:
    decision = documents.decision
    waived = decision.verdict is Verdict.CERTIFIED_WITH_WAIVERS
    blocking = {control.id for control in documents.record.controls if control.mode is Mode.BLOCK}
    good = _GOOD | ({Outcome.WAIVED} if waived else set())
    red = [control.id for control in decision.controls if control.id in blocking and control.outcome not in good]
    executed = any(control.outcome is Outcome.PASS for control in decision.controls)
    pending = [sign_off.role for sign_off in decision.sign_offs if not sign_off.signer]
    why = [f"{len(red)} blocking controls are not good, such as {red[0]}"] if red else []
    why += [] if executed else ["no control passed"]
    why += [f"sign-offs are pending: {', '.join(pending)}"] if pending else []
    if why:
        message = f"the verdict {decision.verdict} contradicts its controls: {'; '.join(why)}"
        yield Problem("verdict-contradicts", DECISION, message, _CURE)
