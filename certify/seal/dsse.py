"""DSSE envelopes around in-toto statements: pre-authentication encoding, signing, and reading without leniency.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md. Foreign verifiers forgive much (several spellings of
base64, raw signatures, unknown fields); here one envelope has one spelling. ECDSA signatures can be turned into another
valid one without the key, so an envelope's hash is no identity: the payload's hash is.
"""

import base64
import binascii
import re
from typing import Any, Final

import msgspec

from certify.seal import canonical
from certify.seal.errors import SealError
from certify.seal.keys import PublicKey, SigningKey
from certify.seal.names import MAX_ATTESTATION_BYTES, PAYLOAD_TYPE

_CURE: Final = "Seal the run again, or take the file again from where it was sealed."
_SSH_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class Envelope(msgspec.Struct, frozen=True):
    """One payload and its one signature (DER). `keyid` is empty or the ssh fingerprint of the key."""

    payload: bytes
    signature: bytes
    keyid: str = ""

    def as_json(self) -> dict[str, Any]:
        """The envelope as it stands in a file."""
        named = {"keyid": self.keyid} if self.keyid else {}
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{**named, "sig": base64.b64encode(self.signature).decode()}],
        }

    def verified_by(self, key: PublicKey) -> bool:
        """Whether `key` made the signature over this payload, and is the key that `keyid` names if it names one."""
        named = self.keyid in ("", key.ssh_fingerprint)
        return named and key.verifies(self.signature, pae(self.payload))


def pae(payload: bytes) -> bytes:
    """The bytes that are signed: version, length and value of type, length and value of payload."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def sign(payload: bytes, key: SigningKey) -> Envelope:
    """The envelope of `payload` under `key`, without a `keyid`: cosign and slsa-verifier refuse most of them."""
    return Envelope(payload, key.sign(pae(payload)))


def parse(data: bytes) -> Envelope:
    """The envelope in a file's bytes. Raises `SealError` as `from_json` does, and for JSON that is not strict."""
    return from_json(canonical.parse(data, max_bytes=MAX_ATTESTATION_BYTES))


def from_json(value: Any) -> Envelope:
    """The envelope in a JSON value.

    Raises:
        SealError: an unknown or missing field, another payload type, none or several signatures, a foreign `keyid`,
            base64 that is not standard and padded.
    """
    fields = exactly(value, "envelope", {"payload", "payloadType", "signatures"})
    if fields["payloadType"] != PAYLOAD_TYPE:
        raise SealError("payload-type", f"the payload type is not {PAYLOAD_TYPE}", cure=_CURE)
    signatures = fields["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise SealError("signature-count", "an envelope carries exactly one signature", cure=_CURE)
    signature = exactly(signatures[0], "signature", {"sig"}, optional={"keyid"})
    return Envelope(decode(fields["payload"]), decode(signature["sig"]), _keyid(signature))


def _keyid(signature: dict[str, Any]) -> str:
    if "keyid" not in signature:
        return ""
    keyid = signature["keyid"]
    if isinstance(keyid, str) and _SSH_FINGERPRINT.fullmatch(keyid):
        return keyid
    raise SealError("keyid", "the signature carries a keyid that other verifiers refuse", cure="Leave `keyid` out.")


def exactly(value: Any, what: str, wanted: set[str], *, optional: set[str] | None = None) -> dict[str, Any]:
    """`value` when it is an object with the `wanted` fields and, beyond them, none but `optional` ones.

    Raises:
        SealError: it is not.
    """
    if not isinstance(value, dict):
        raise SealError("shape", f"the {what} is not an object", cure=_CURE)
    missing, unknown = wanted - value.keys(), value.keys() - wanted - (optional or set())
    if missing or unknown:
        parts = [f"without {name!r}" for name in sorted(missing)] + [f"with unknown {n!r}" for n in sorted(unknown)]
        raise SealError("unknown-field" if unknown else "shape", f"the {what} is {', '.join(parts)}", cure=_CURE)
    return value


def decode(text: Any) -> bytes:
    """The bytes of standard, padded base64 in its one spelling.

    Raises:
        SealError: base64url, no padding, white space, stray trailing bits, not text, nothing.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise SealError("base64", "a value is not standard, padded base64", cure=_CURE)
    return data
