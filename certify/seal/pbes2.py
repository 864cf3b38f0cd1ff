"""Encrypted PKCS#8 with a work factor of today: PBES2, PBKDF2-HMAC-SHA256, AES-256-CBC (RFC 8018).

`cryptography` reads such files but writes them with 2,048 rounds only, so the dozen ASN.1 values are written here.
"""

import os
from typing import Final

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from certify.seal.cosign_key import pem

ROUNDS: Final = 600_000
_PBES2: Final = bytes.fromhex("2a864886f70d01050d")
_PBKDF2: Final = bytes.fromhex("2a864886f70d01050c")
_HMAC_SHA256: Final = bytes.fromhex("2a864886f70d0209")
_AES_256_CBC: Final = bytes.fromhex("60864801650304012a")


def write(pkcs8: bytes, passphrase: bytes) -> bytes:
    """The PEM text `ENCRYPTED PRIVATE KEY` around `pkcs8` (DER)."""
    salt, start = os.urandom(16), os.urandom(16)
    key = PBKDF2HMAC(hashes.SHA256(), length=32, salt=salt, iterations=ROUNDS).derive(passphrase)
    pad = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    body = encryptor.update(pad.update(pkcs8) + pad.finalize()) + encryptor.finalize()
    prf = _sequence(_oid(_HMAC_SHA256), _null())
    rounds = _tlv(0x02, ROUNDS.to_bytes(3, "big"))
    kdf = _sequence(_oid(_PBKDF2), _sequence(_octets(salt), rounds, prf))
    scheme = _sequence(_oid(_AES_256_CBC), _octets(start))
    algorithm = _sequence(_oid(_PBES2), _sequence(kdf, scheme))
    return pem("ENCRYPTED PRIVATE KEY", _sequence(algorithm, _octets(body)))


def _tlv(tag: int, body: bytes) -> bytes:
    short = len(body) < 0x80
    size = b"" if short else len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, len(body) if short else 0x80 | len(size)]) + size + body


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _oid(body: bytes) -> bytes:
    return _tlv(0x06, body)


def _octets(body: bytes) -> bytes:
    return _tlv(0x04, body)


def _null() -> bytes:
    return b"\x05\x00"
