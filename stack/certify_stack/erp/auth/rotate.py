"""`python -m certify_stack.erp.auth.rotate FILE`: put a new signing key before the one that signs now.

Tokens of the key before hold until they expire; keys before that are dropped. `--only` drops all old ones at once.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certify_stack.erp.auth.keyring import read_keys
from certify_stack.kit.tokens import SigningKey, TokenError, thumbprint

BITS, EXPONENT = 2048, 65537
UNUSABLE = 2


def rotate(path: Path, *, only: bool = False) -> SigningKey:
    """Write the file anew, in one step and with the rights that it had; return the new key.

    Raises:
        TokenError: The file holds no key, or something else.
        OSError: It cannot be read or written.
    """
    before = read_keys(path)
    private = rsa.generate_private_key(EXPONENT, BITS)
    kept = [] if only else [before[0].private]
    texts = (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in (private, *kept))
    seen = path.stat()
    descriptor, work = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(texts))
        os.fchmod(file.fileno(), seen.st_mode & 0o777)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), seen.st_uid, seen.st_gid)
    Path(work).replace(path)
    return SigningKey(private, thumbprint(private.public_key()))


def main(arguments: list[str] | None = None) -> int:
    """Rotate the key of a file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the PEM file that ERP_AUTH_PRIVATE_KEY names")
    parser.add_argument("--only", action="store_true", help="drop all old keys: their tokens are refused from now on")
    given = parser.parse_args(arguments)
    try:
        made = rotate(given.file, only=given.only)
    except (OSError, TokenError) as error:
        sys.stderr.write(f"error: {error}; give the PEM file of auth's signing key\n")
        return UNUSABLE
    sys.stdout.write(f"{made.kid}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
