"""The in-toto statements about a run: a pure function of its documents, so that verifying can build them again.

All have one subject, the digest of `release.json`. `certification/v1` carries the digests of record, decision and
`SHA256SUMS`, and with it of every file of the run; `decision/v1` carries the decision. The three others tell foreign
tools the verdict in their words: `test-result` is PASSED for CERTIFIED only; `svr` and `vsa` exist only for a certified
release that is not the reference stack, because their presence is what policy engines ask for.
"""

import re
from typing import Any

import msgspec

from certify.model.outcome import Outcome, Verdict
from certify.seal.documents import Documents
from certify.seal.names import (
    ALWAYS,
    CERTIFICATION,
    DECIDED,
    DECISION,
    OUR_URI,
    PREDICATE_TYPES,
    RECORD,
    RELEASE,
    STATEMENT_TYPE,
    SUMS,
    SVR,
    TEST_RESULT,
    VERIFIER_ID,
    VSA,
    WHEN_CERTIFIED,
)

_SCHEMA_VERSION = 1
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_PASSED = (Outcome.PASS,)
_WARNED = (Outcome.WARN, Outcome.WAIVED)


class Facts(msgspec.Struct, frozen=True):
    """What statements are made from: the documents, the digest of `SHA256SUMS`, its length, the time of sealing."""

    documents: Documents
    sums_digest: str
    files: int
    sealed_at: str


def expected(documents: Documents) -> tuple[str, ...]:
    """The names of the attestations that this run has, in the order of `certificate.intoto.jsonl`."""
    return (*ALWAYS, *WHEN_CERTIFIED) if documents.certified and not documents.reference else ALWAYS


def build(facts: Facts) -> dict[str, dict[str, Any]]:
    """Every statement of the run by its name."""
    makers = {CERTIFICATION: _certification, DECIDED: _decision, TEST_RESULT: _test_result, SVR: _svr, VSA: _vsa}
    return {name: _statement(name, facts, makers[name](facts)) for name in expected(facts.documents)}


def _statement(name: str, facts: Facts, predicate: dict[str, Any]) -> dict[str, Any]:
    subject: dict[str, Any] = {"name": RELEASE, "digest": {"sha256": facts.documents.digests[RELEASE]}}
    if facts.documents.reference:
        subject["annotations"] = {"stack": "reference stack"}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": PREDICATE_TYPES[name],
        "predicate": predicate,
    }


def _certification(facts: Facts) -> dict[str, Any]:
    record, digests = facts.documents.record, facts.documents.digests
    return {
        "schemaVersion": _SCHEMA_VERSION,
        "runId": record.run_id,
        "sealedAt": facts.sealed_at,
        "started": record.started,
        "finished": record.finished,
        "driver": record.driver,
        "profile": _profile(facts),
        "tool": facts.documents.told[RECORD].get("tool"),
        "documents": [_descriptor(RECORD, digests[RECORD]), _descriptor(DECISION, digests[DECISION])],
        "sums": {**_descriptor(SUMS, facts.sums_digest), "files": facts.files},
        "controls": [
            {
                "id": control.id,
                "outcome": control.outcome.value,
                "severity": control.severity.value,
                "mode": control.mode.value,
                "selftest": {"seeded": control.selftest.seeded, "found": control.selftest.found},
            }
            for control in record.controls
        ],
        "ledger": facts.documents.told[RECORD].get("ledger"),
    }


def _decision(facts: Facts) -> dict[str, Any]:
    told, digests = facts.documents.told[DECISION], facts.documents.digests
    taken = ("runId", "verdict", "reason", "controls", "waivers", "signOffs", "previous", "reference")
    return {
        "schemaVersion": _SCHEMA_VERSION,
        **{name: told.get(name) for name in taken},
        "sealedAt": facts.sealed_at,
        "profile": _profile(facts),
        "documents": [_descriptor(RECORD, digests[RECORD]), _descriptor(DECISION, digests[DECISION])],
    }


def _test_result(facts: Facts) -> dict[str, Any]:
    controls = facts.documents.decision.controls
    neither = (*_PASSED, *_WARNED, Outcome.NOT_APPLICABLE)
    certified = facts.documents.decision.verdict is Verdict.CERTIFIED
    return {
        "result": "PASSED" if certified else "FAILED",
        "configuration": [_profile(facts)],
        "passedTests": [control.id for control in controls if control.outcome in _PASSED],
        "warnedTests": [control.id for control in controls if control.outcome in _WARNED],
        "failedTests": [control.id for control in controls if control.outcome not in neither],
    }


def _svr(facts: Facts) -> dict[str, Any]:
    return {
        "verifier": {"id": VERIFIER_ID, "policies": [_profile(facts)]},
        "timeCreated": facts.sealed_at,
        "properties": [level(facts.documents)],
    }


def _vsa(facts: Facts) -> dict[str, Any]:
    policy = {name: value for name, value in _profile(facts).items() if name != "name"}
    return {
        "verifier": {"id": VERIFIER_ID},
        "timeVerified": facts.sealed_at,
        "resourceUri": resource_uri(facts.documents),
        "policy": policy,
        "verificationResult": "PASSED",
        "verifiedLevels": [level(facts.documents)],
    }


def level(documents: Documents) -> str:
    """What policy engines ask for; with waivers the name is another one, no extension of the first."""
    profile = re.sub(r"[^A-Z0-9]+", "_", documents.record.profile.upper()).strip("_")
    waived = documents.decision.verdict is Verdict.CERTIFIED_WITH_WAIVERS
    return f"CERTIFY_{profile}_{'WITH_WAIVERS' if waived else 'CERTIFIED'}"


def resource_uri(documents: Documents) -> str:
    """Where the first component's source lies, as SLSA spells it; a name of our own when that is not known."""
    repository = next((part.repository for part in documents.release.components if part.repository), "")
    if repository.startswith(("https://", "http://", "ssh://")):
        return f"git+{repository}"
    return repository or f"{OUR_URI}/release/{documents.release.name}"


def _profile(facts: Facts) -> dict[str, Any]:
    record = facts.documents.record
    found = _DIGEST.fullmatch(record.profile_digest)
    digest = {"digest": {"sha256": found.group(1)}} if found else {}
    return {"name": record.profile, "uri": f"{OUR_URI}/profile/{record.profile}", **digest}


def _descriptor(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}
