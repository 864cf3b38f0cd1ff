"""`certify keygen`: a key pair that signs certificates."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Final

from certify.model.exit_codes import ExitCode

_EXAMPLES: Final = """\
examples:
  certify keygen                          asks for a passphrase, writes certify.key and certify.pub
  certify keygen --out keys/release       writes keys/release.key and keys/release.pub
  CERTIFY_KEY_PASSWORD=... certify keygen --format pkcs8

Seal with it:   CERTIFY_KEY=certify.key CERTIFY_KEY_PASSWORD=... certify run --profile finance
Hand certify.pub to whoever verifies:   certify verify certification --key certify.pub

The key is ECDSA P-256. The format `cosign` can be used by cosign at once; `pkcs8` is for openssl and others.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "keygen",
        help="make a key pair that signs certificates",
        description="Make a key pair that signs certificates, under a passphrase.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", metavar="PREFIX", default="certify", help="write PREFIX.key and PREFIX.pub")
    parser.add_argument("--format", choices=("cosign", "pkcs8"), default="cosign", help="cosign by default")


def run(args: argparse.Namespace) -> int:
    """Make the pair, print where it is, return the exit code."""
    private, public = Path(f"{args.out}.key"), Path(f"{args.out}.pub")
    there = next((path for path in (private, public) if os.path.lexists(path)), None)
    if there:
        return _usage(f"{there} exists and is not overwritten", "Name another place with --out PREFIX.")
    passphrase = _passphrase()
    if not passphrase:
        return _usage("no passphrase, or two that differ", "Type one twice, or set CERTIFY_KEY_PASSWORD.")
    try:
        fingerprint = _write(private, public, passphrase, cosign=args.format == "cosign")
    except OSError as error:
        return _usage(f"{error.filename}: {error.strerror}", "Name a folder that can be written with --out PREFIX.")
    sys.stdout.write(f"private key  {private} (keep it secret)\npublic key   {public}\nfingerprint  {fingerprint}\n")
    return ExitCode.CERTIFIED


def _write(private: Path, public: Path, passphrase: str, *, cosign: bool) -> str:
    from certify.seal import keys
    from certify.seal.keystore import write_new

    key = keys.SigningKey(keys.generate())
    write_new(private, keys.encrypted_pem(key.private, passphrase.encode(), cosign=cosign), 0o600)
    write_new(public, key.public.pem, 0o644)
    return key.public.fingerprint


def _passphrase() -> str:
    given = os.environ.get("CERTIFY_KEY_PASSWORD")
    if given is not None or not sys.stdin.isatty():
        return given or ""
    first = getpass.getpass("passphrase for the new key: ")
    return first if getpass.getpass("the same again: ") == first else ""


def _usage(message: str, cure: str) -> int:
    sys.stderr.write(f"certify keygen: {message}\n  cure: {cure}\n")
    return ExitCode.USAGE
