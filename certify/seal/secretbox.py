"""XSalsa20-Poly1305, the `secretbox` of NaCl, over the Poly1305 of `cryptography`.

cosign protects its private keys with it. Salsa20 and HSalsa20 follow D. J. Bernstein, "Extending the Salsa20 nonce"
(2011). Key files are a few hundred bytes, so pure Python is fast enough.
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
_SIGMA: Final = struct.unpack("<4I", b"expand 32-byte k")
_MASK: Final = 0xFFFFFFFF
_COLUMNS: Final = ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11))
_ROWS: Final = ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14))


def seal(plaintext: bytes, key: bytes, nonce: bytes) -> bytes:
    """Tag and ciphertext of `plaintext`; `key` is 32 bytes, `nonce` 24 bytes and never used twice with one key."""
    stream = _stream(key, nonce, KEY_BYTES + len(plaintext))
    body = _xor(plaintext, stream[KEY_BYTES:])
    return Poly1305.generate_tag(stream[:KEY_BYTES], body) + body


def unseal(box: bytes, key: bytes, nonce: bytes) -> bytes | None:
    """The plaintext, or None when key, nonce or box do not fit together."""
    if len(box) < TAG_BYTES:
        return None
    stream = _stream(key, nonce, KEY_BYTES + len(box) - TAG_BYTES)
    try:
        Poly1305.verify_tag(stream[:KEY_BYTES], box[TAG_BYTES:], box[:TAG_BYTES])
    except InvalidSignature:
        return None
    return _xor(box[TAG_BYTES:], stream[KEY_BYTES:])


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError(f"wanted {KEY_BYTES} bytes of key and {NONCE_BYTES} of nonce")
    subkey = _hsalsa20(key, nonce[:16])
    blocks = (_salsa20_block(subkey, nonce[16:] + struct.pack("<Q", n)) for n in range(-(-length // 64)))
    return b"".join(blocks)[:length]


def _state(key: bytes, block: bytes) -> list[int]:
    k = struct.unpack("<8I", key)
    n = struct.unpack("<4I", block)
    return [_SIGMA[0], *k[:4], _SIGMA[1], *n, _SIGMA[2], *k[4:], _SIGMA[3]]


def _salsa20_block(key: bytes, block: bytes) -> bytes:
    start = _state(key, block)
    mixed = _rounds(list(start))
    return struct.pack("<16I", *((a + b) & _MASK for a, b in zip(start, mixed, strict=True)))


def _hsalsa20(key: bytes, block: bytes) -> bytes:
    mixed = _rounds(_state(key, block))
    return struct.pack("<8I", *(mixed[index] for index in (0, 5, 10, 15, 6, 7, 8, 9)))


def _rounds(state: list[int]) -> list[int]:
    for _ in range(10):
        for quarter in (*_COLUMNS, *_ROWS):
            _quarter_round(state, quarter)
    return state


def _quarter_round(state: list[int], places: tuple[int, int, int, int]) -> None:
    a, b, c, d = places
    for target, left, right, turn in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
        total = (state[left] + state[right]) & _MASK
        state[target] ^= ((total << turn) & _MASK) | (total >> (32 - turn))
