"""cosign's private key file, `ENCRYPTED SIGSTORE PRIVATE KEY`: PKCS#8 in a secretbox under scrypt.

cosign opens exactly three work factors; the strongest is written here.
"""

import base64
import os
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from certify.seal import canonical, secretbox
from certify.seal.errors import KeyFileError, SealError

LABELS: Final = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
_COSTS: Final = (32768, 65536, 131072)
_SALT_BYTES: Final = 32


def write(pkcs8: bytes, passphrase: bytes) -> bytes:
    """The PEM text of a cosign key around `pkcs8` (DER)."""
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(secretbox.NONCE_BYTES)
    box = secretbox.seal(pkcs8, _derive(passphrase, salt, _COSTS[-1]), nonce)
    body = {
        "kdf": {"name": "scrypt", "params": {"N": _COSTS[-1], "r": 8, "p": 1}, "salt": _encode(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _encode(nonce)},
        "ciphertext": _encode(box),
    }
    return pem(LABELS[0], canonical.compact(body))


def read(body: bytes, passphrase: bytes) -> bytes:
    """PKCS#8 (DER) out of the body of a cosign key, which is JSON.

    Raises:
        KeyFileError: not a cosign key, unknown parameters, or the passphrase does not fit.
    """
    try:
        salt, nonce, box, cost = _fields(canonical.parse(body, max_bytes=65536))
    except (SealError, KeyError, TypeError, ValueError) as error:
        raise KeyFileError("key-unreadable", f"not a cosign key file: {error}", cure=_CURE) from None
    plain = secretbox.unseal(box, _derive(passphrase, salt, cost), nonce)
    if plain is None:
        raise KeyFileError(
            "key-passphrase", "the passphrase does not open the key", cure="Set CERTIFY_KEY_PASSWORD to the right one."
        )
    return plain


_CURE: Final = "Make a new pair with `certify keygen`, or with `cosign generate-key-pair`."


def _fields(value: Any) -> tuple[bytes, bytes, bytes, int]:
    kdf, cipher = value["kdf"], value["cipher"]
    cost, *others = (kdf["params"][name] for name in ("N", "r", "p"))
    if (kdf["name"], cipher["name"], others) != ("scrypt", "nacl/secretbox", [8, 1]) or cost not in _COSTS:
        raise ValueError("unsupported scrypt or cipher parameters")
    nonce = _decode(cipher["nonce"])
    if len(nonce) != secretbox.NONCE_BYTES:
        raise ValueError("the nonce is not 24 bytes long")
    return _decode(kdf["salt"]), nonce, _decode(value["ciphertext"]), cost


def _derive(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=secretbox.KEY_BYTES, n=cost, r=8, p=1).derive(passphrase)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def pem(label: str, body: bytes) -> bytes:
    """`body` in PEM armour (RFC 7468)."""
    text = base64.b64encode(body).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()
