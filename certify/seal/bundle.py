"""The sigstore bundle v0.3 around an envelope, with a public key instead of a certificate: what cosign reads."""

from typing import Any

from certify.seal import canonical, dsse
from certify.seal.dsse import Envelope, exactly
from certify.seal.errors import SealError
from certify.seal.names import BUNDLE_TYPE, MAX_ATTESTATION_BYTES


def wrap(envelope: Envelope, fingerprint: str) -> dict[str, Any]:
    """The bundle as it stands in a file; `fingerprint` is the signer's hint, which proves nothing by itself."""
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": fingerprint}},
        "dsseEnvelope": envelope.as_json(),
    }


def parse(data: bytes) -> tuple[Envelope, str]:
    """Envelope and hint of a bundle.

    Raises:
        SealError: another media type, a field too many or too few, a hint that is no SHA-256, or what `dsse` refuses.
    """
    value = canonical.parse(data, max_bytes=MAX_ATTESTATION_BYTES)
    fields = exactly(value, "bundle", {"mediaType", "verificationMaterial", "dsseEnvelope"})
    if fields["mediaType"] != BUNDLE_TYPE:
        raise SealError("media-type", f"the media type is not {BUNDLE_TYPE}", cure="Take the bundle as it was sealed.")
    material = exactly(fields["verificationMaterial"], "verification material", {"publicKey"})
    hint = exactly(material["publicKey"], "public key", {"hint"})["hint"]
    if len(dsse.decode(hint)) != 32:
        raise SealError("shape", "the hint is not the SHA-256 of a key", cure="Take the bundle as it was sealed.")
    return dsse.from_json(fields["dsseEnvelope"]), hint
