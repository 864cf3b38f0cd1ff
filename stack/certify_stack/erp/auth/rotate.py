"""`python -m certify_stack.erp.auth.rotate FILE`: put a new signing key before the one that signs now.

Tokens of the key before hold until they expire; keys before that are dropped. `--only` drops all old ones at once: auth refuses
their tokens from now on, another service when it meets the first token of the new key. `--create` makes a file that is not there
yet, `--jwks FILE` writes the public keys, as services are told them at their start: write them anew after `--only`, or a service
that starts takes the old keys until then.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certify_stack.erp.auth.keyring import KeyRing, read_keys
from certify_stack.kit.tokens import SigningKey, TokenError, thumbprint

BITS, EXPONENT = 2048, 65537
UNUSABLE = 2


def create(path: Path) -> None:
    """Make a file with one key, for its owner alone; one that is there is left as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(_pem(rsa.generate_private_key(EXPONENT, BITS)))


def rotate(path: Path, *, only: bool = False) -> SigningKey:
    """Write the file anew, in one step and with the rights that it had; return the new key.

    Raises:
        TokenError: The file holds no key, or something else.
        OSError: It cannot be read or written.
    """
    before = read_keys(path)
    private = rsa.generate_private_key(EXPONENT, BITS)
    kept = [] if only else [before[0].private]
    seen = path.stat()
    descriptor, work = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(_pem(key) for key in (private, *kept)))
        os.fchmod(file.fileno(), seen.st_mode & 0o777)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), seen.st_uid, seen.st_gid)
    Path(work).replace(path)
    return SigningKey(private, thumbprint(private.public_key()))


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def main(arguments: list[str] | None = None) -> int:
    """Rotate the key of a file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the PEM file that ERP_AUTH_PRIVATE_KEY names")
    parser.add_argument(
        "--only", action="store_true", help="drop all old keys, which a service learns with the first new token"
    )
    parser.add_argument(
        "--create", action="store_true", help="make the file when it is not there, and leave one that is"
    )
    parser.add_argument(
        "--jwks", type=Path, metavar="FILE", help="write the public keys there, as ERP_AUTH_JWKS names them"
    )
    given = parser.parse_args(arguments)
    try:
        if given.create:
            create(given.file)
        else:
            rotate(given.file, only=given.only)
        ring = KeyRing(given.file)
        if given.jwks:
            given.jwks.write_text(json.dumps(ring.jwks()), encoding="utf-8")
    except (OSError, TokenError) as error:
        sys.stderr.write(f"error: {error}; give the PEM file of auth's signing key\n")
        return UNUSABLE
    sys.stdout.write(f"{ring.signing().kid}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
