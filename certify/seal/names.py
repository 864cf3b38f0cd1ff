"""Every name that a sealed run fixes: files, media types, predicate types, limits. Nothing else may retype them."""

from typing import Final

RELEASE: Final = "release.json"
RECORD: Final = "record.json"
DECISION: Final = "decision.json"
DOCUMENTS: Final = (RELEASE, RECORD, DECISION)
SUMS: Final = "SHA256SUMS"
EVIDENCE: Final = "evidence"
ATTESTATIONS: Final = "attestations"
LINES: Final = "certificate.intoto.jsonl"
BUNDLE_SUFFIX: Final = ".sigstore.json"
ENVELOPE_SUFFIX: Final = ".dsse.json"

# https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
STATEMENT_TYPE_OLD: Final = "https://in-toto.io/Statement/v0.1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"

OUR_URI: Final = "https://certify.dev"
VERIFIER_ID: Final = f"{OUR_URI}/verifier/v1"

CERTIFICATION: Final = "certification"
DECIDED: Final = "decision"
TEST_RESULT: Final = "test-result"
SVR: Final = "svr"
VSA: Final = "vsa"
PREDICATE_TYPES: Final = {
    CERTIFICATION: f"{OUR_URI}/attestation/certification/v1",
    DECIDED: f"{OUR_URI}/attestation/decision/v1",
    TEST_RESULT: "https://in-toto.io/attestation/test-result/v0.1",
    SVR: "https://in-toto.io/attestation/svr/v0.2",
    VSA: "https://slsa.dev/verification_summary/v1",
}
ALWAYS: Final = (CERTIFICATION, DECIDED, TEST_RESULT)
WHEN_CERTIFIED: Final = (SVR, VSA)

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
MAX_ATTESTATION_BYTES: Final = 96 * 1024 * 1024
