"""Where keys come from: the environment, or a key of this user's own that is made at its first use.

`CERTIFY_KEY` holds PEM text or a path, `CERTIFY_KEY_PASSWORD` its passphrase. Without it the key in
`$XDG_CONFIG_HOME/certify/` (or `~/.config/certify/`) signs; what it signs proves only that this user sealed it, so its
origin `local` belongs into the ledger.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from certify.seal.errors import KeyFileError
from certify.seal.keys import PublicKey, SigningKey, generate, is_plain, plain_pem, read_private, read_public

KEY_VARIABLE: Final = "CERTIFY_KEY"
PASSPHRASE_VARIABLE: Final = "CERTIFY_KEY_PASSWORD"  # noqa: S105 - the name of a variable
PUBLIC_KEY_VARIABLE: Final = "CERTIFY_PUBLIC_KEY"
LOCAL_SOURCE: Final = "the local key of this user"
SECRET_VARIABLES: Final = (KEY_VARIABLE, PASSPHRASE_VARIABLE)
LOCAL_KEY: Final = "key.pem"
LOCAL_PUBLIC_KEY: Final = "key.pub"
_MAX_BYTES: Final = 65536
_PEM: Final = "-----BEGIN "


def signing_key(environ: Mapping[str, str] = os.environ) -> SigningKey:
    """The key that seals: from the environment, else this user's local key, made now if there is none.

    Raises:
        KeyFileError: the named key cannot be used; the local one is never taken instead of a named one.
    """
    return _named_key(environ) or _local_key(configuration_folder(environ))


def own_public_key(environ: Mapping[str, str] = os.environ) -> tuple[PublicKey, str] | None:
    """The public half of the key that would seal here, and where it is from; nothing is made for it."""
    named = _named_key(environ)
    if named:
        return named.public, KEY_VARIABLE
    path = configuration_folder(environ) / LOCAL_KEY
    return (_read_file(path, None, "local").public, LOCAL_SOURCE) if path.exists() else None


def trusted_key(path: Path | None, environ: Mapping[str, str] = os.environ) -> tuple[PublicKey, str] | None:
    """The public key that the caller trusts, and where it is from: `path`, CERTIFY_PUBLIC_KEY, or the caller's own.

    Never out of the sealed files: whoever can change them could change a key among them.

    Raises:
        KeyFileError: the named key cannot be used.
    """
    if path:
        return _public(_read_bytes(path), str(path)), str(path)
    named = environ.get(PUBLIC_KEY_VARIABLE)
    if named:
        pem = named.encode() if _PEM in named else _read_bytes(Path(named))
        return _public(pem, PUBLIC_KEY_VARIABLE), PUBLIC_KEY_VARIABLE
    return own_public_key(environ)


def _public(pem: bytes, place: str) -> PublicKey:
    try:
        return read_public(pem)
    except KeyFileError as error:
        raise error.within(place) from None


def forget_secrets() -> None:
    """Take the key out of this process's environment: no check and no service has any business with it."""
    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)


def configuration_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """This user's folder of certify: `$XDG_CONFIG_HOME/certify`, or `~/.config/certify`."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if os.path.isabs(base):  # noqa: PTH117 - a relative value is invalid, says the XDG specification
        return Path(base) / "certify"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".config" / "certify"


def _named_key(environ: Mapping[str, str]) -> SigningKey | None:
    named = environ.get(KEY_VARIABLE)
    if not named:
        return None
    word = environ.get(PASSPHRASE_VARIABLE)
    passphrase = None if word is None else word.encode()
    if _PEM in named:
        return SigningKey(read_private(named.encode(), passphrase), "environment")
    return _read_file(Path(named), passphrase, "environment")


def _read_file(path: Path, passphrase: bytes | None, origin: str) -> SigningKey:
    pem = _read_bytes(path)
    if is_plain(pem) and stat.S_IMODE(path.stat().st_mode) & 0o077:
        cure = f"Run `chmod 600 {path}`; if others could read it before, make a new key."
        raise KeyFileError("key-mode", "others can read this unencrypted key", file=str(path), cure=cure)
    try:
        return SigningKey(read_private(pem, passphrase), origin, str(path))
    except KeyFileError as error:
        raise error.within(str(path)) from None


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        why = error.strerror or str(error)
        raise KeyFileError("key-missing", f"cannot be read: {why}", file=str(path), cure="Name a key file.") from None


def _local_key(folder: Path) -> SigningKey:
    path = folder / LOCAL_KEY
    created = not path.exists() and _create(folder, path)
    key = _read_file(path, None, "local")
    if created:
        _publish(folder, key.public)
    return SigningKey(key.private, "local", str(path), created)


def _create(folder: Path, path: Path) -> bool:
    """Make the key; False when another run made it first, whose key then counts."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{LOCAL_KEY}.{secrets.token_hex(8)}"
        write_new(draft, plain_pem(generate()), 0o600)
        try:
            os.link(draft, path)  # refuses to replace, unlike a rename
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    except OSError as error:
        cure = "Set CERTIFY_KEY to a key of your own, or XDG_CONFIG_HOME to a folder that can be written."
        why = f"no local key can be made: {error.strerror}"
        raise KeyFileError("key-missing", why, file=str(path), cure=cure) from None
    return True


def _publish(folder: Path, public: PublicKey) -> None:
    draft = folder / f".{LOCAL_PUBLIC_KEY}.{secrets.token_hex(8)}"
    write_new(draft, public.pem, 0o644)
    draft.replace(folder / LOCAL_PUBLIC_KEY)


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not be there yet, with these permissions from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
