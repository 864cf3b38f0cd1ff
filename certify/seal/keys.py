"""Keys that sign and verify: ECDSA on P-256 with SHA-256, the only kind that all foreign verifiers take both ways."""

import base64
import binascii
import hashlib
import re
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certify.seal import cosign_key, pbes2
from certify.seal.errors import KeyFileError

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)
_PLAIN_LABELS: Final = ("PRIVATE KEY", "EC PRIVATE KEY")
_SCHEME: Final = ec.ECDSA(hashes.SHA256())
_CURE_KIND: Final = "Use an ECDSA P-256 key: `certify keygen` makes one."
_CURE_PUBLIC: Final = "Give the public key as PEM (`BEGIN PUBLIC KEY`): `certify keygen` writes it as NAME.pub."


class PublicKey(msgspec.Struct, frozen=True):
    """A P-256 public key."""

    key: ec.EllipticCurvePublicKey

    @property
    def fingerprint(self) -> str:
        """Standard base64 of the SHA-256 of the key's SPKI DER; what a sigstore bundle carries as `hint`."""
        return base64.b64encode(hashlib.sha256(self._spki(serialization.Encoding.DER)).digest()).decode()

    @property
    def ssh_fingerprint(self) -> str:
        """What `ssh-keygen -lf` prints, `SHA256:...`; the only `keyid` that the verifiers of the field accept."""
        form = self.key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        digest = hashlib.sha256(base64.b64decode(form.split()[1])).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def pem(self) -> bytes:
        """PEM, SPKI: what `--key` of certify, cosign and openssl read."""
        return self._spki(serialization.Encoding.PEM)

    def _spki(self, encoding: serialization.Encoding) -> bytes:
        return self.key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over `message`; it must be DER, which OpenSSL checks to the bit."""
        try:
            self.key.verify(signature, message, _SCHEME)
        except InvalidSignature:
            return False
        return True


class SigningKey(msgspec.Struct, frozen=True):
    """A P-256 private key and where it came from.

    Attributes:
        private: the key.
        origin: `environment` (CERTIFY_KEY), `local` (made on this machine for this user) or `file`.
        path: the key's file, empty when the environment holds the key itself.
        created: whether this call made the key.
    """

    private: ec.EllipticCurvePrivateKey
    origin: str = "file"
    path: str = ""
    created: bool = False

    def __repr__(self) -> str:
        return f"SigningKey(fingerprint={self.public.fingerprint!r}, origin={self.origin!r}, path={self.path!r})"

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.private.public_key())

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`, DER."""
        return self.private.sign(message, _SCHEME)


def generate() -> ec.EllipticCurvePrivateKey:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def plain_pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS#8 PEM without a passphrase; only for files that nobody else can read."""
    return _pkcs8(private, serialization.Encoding.PEM)


def encrypted_pem(private: ec.EllipticCurvePrivateKey, passphrase: bytes, *, cosign: bool) -> bytes:
    """PEM under a passphrase: cosign's own format, or PKCS#8 with PBES2."""
    write = cosign_key.write if cosign else pbes2.write
    return write(_pkcs8(private, serialization.Encoding.DER), passphrase)


def _pkcs8(private: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> bytes:
    return private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def is_plain(pem: bytes) -> bool:
    """Whether `pem` is a private key that no passphrase protects."""
    return any(label.decode() in _PLAIN_LABELS for label, _ in _BLOCK.findall(pem)) and b"ENCRYPTED" not in pem


def read_private(pem: bytes, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """A private key out of PEM: PKCS#8 (plain or PBES2), SEC1, or cosign's format.

    Raises:
        KeyFileError: none of these, another kind of key, or the passphrase is missing or wrong.
    """
    label, body = _only_block(pem, "Give one private key as PEM: `certify keygen` makes one.")
    if label in cosign_key.LABELS:
        der = cosign_key.read(_armoured(body), _wanted(passphrase))
        return _load(der, None, der=True)
    if label == "ENCRYPTED PRIVATE KEY":
        return _load(pem, _wanted(passphrase))
    if label not in _PLAIN_LABELS or b"Proc-Type" in body:
        cure = "Convert it: `openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in OLD -out NEW`."
        raise KeyFileError("key-kind", f"a PEM block {label!r} in this form is not read", cure=cure)
    return _load(pem, None)


def read_public(pem: bytes) -> PublicKey:
    """A public key out of PEM (SPKI).

    Raises:
        KeyFileError: not exactly one `PUBLIC KEY` block, or not on P-256.
    """
    label, _ = _only_block(pem, _CURE_PUBLIC)
    if label != "PUBLIC KEY":
        raise KeyFileError("key-kind", f"a PEM block {label!r} instead of a public key", cure=_CURE_PUBLIC)
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError("key-unreadable", f"not a public key: {error}", cure=_CURE_PUBLIC) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError("key-kind", f"{_kind(key)} instead of ECDSA P-256", cure=_CURE_KIND)
    return PublicKey(key)


def _only_block(pem: bytes, cure: str) -> tuple[str, bytes]:
    blocks = [(label.decode(), body) for label, body in _BLOCK.findall(pem) if label != b"EC PARAMETERS"]
    if len(blocks) != 1:
        raise KeyFileError("key-unreadable", f"{len(blocks)} PEM blocks instead of one", cure=cure)
    return blocks[0]


def _armoured(body: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise KeyFileError("key-unreadable", f"broken PEM: {error}", cure="Copy the key file again.") from None


def _wanted(passphrase: bytes | None) -> bytes:
    if passphrase is None:
        cure = "Set CERTIFY_KEY_PASSWORD to the key's passphrase."
        raise KeyFileError("key-passphrase", "the key is encrypted and no passphrase is given", cure=cure)
    return passphrase


def _load(data: bytes, passphrase: bytes | None, *, der: bool = False) -> ec.EllipticCurvePrivateKey:
    load = serialization.load_der_private_key if der else serialization.load_pem_private_key
    try:
        key = load(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if passphrase is not None:
            cure = "Set CERTIFY_KEY_PASSWORD to the right one."
            raise KeyFileError("key-passphrase", "the passphrase does not open the key", cure=cure) from None
        raise KeyFileError("key-unreadable", f"not a private key: {error}", cure=_CURE_KIND) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        why = "; cosign and others could not verify what it signs"
        raise KeyFileError("key-kind", f"{_kind(key)} instead of ECDSA P-256{why}", cure=_CURE_KIND)
    return key


def _kind(key: object) -> str:
    curve = getattr(key, "curve", None)
    name = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey").lstrip("_")
    return f"a key on {curve.name}" if isinstance(curve, ec.EllipticCurve) else f"a key of kind {name}"
