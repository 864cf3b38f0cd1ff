"""Where keys come from, and that no key is taken silently instead of the one that was named."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from certify.seal import keys, keystore
from certify.seal.errors import KeyFileError
from certify.seal.keys import SigningKey


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_local_key_is_made_once_and_only_for_its_user(home: Path):
    first, second = keystore.signing_key(), keystore.signing_key()
    folder = home / ".config" / "certify"
    assert (first.origin, first.created, first.path) == ("local", True, str(folder / "key.pem"))
    assert (second.created, second.public.fingerprint) == (False, first.public.fingerprint)
    assert (mode(folder), mode(folder / "key.pem")) == (0o700, 0o600)
    assert (folder / "key.pub").read_bytes() == first.public.pem
    assert sorted(path.name for path in folder.iterdir()) == ["key.pem", "key.pub"]


def test_local_key_is_private_whatever_the_umask(home: Path):
    before = os.umask(0)
    try:
        keystore.signing_key()
    finally:
        os.umask(before)
    assert mode(home / ".config/certify/key.pem") == 0o600


def test_configuration_folder(tmp_path: Path):
    home, other = str(tmp_path / "home"), str(tmp_path / "other")
    assert keystore.configuration_folder({"HOME": home}) == Path(home) / ".config/certify"
    assert keystore.configuration_folder({"HOME": home, "XDG_CONFIG_HOME": other}) == Path(other) / "certify"
    assert (
        keystore.configuration_folder({"HOME": home, "XDG_CONFIG_HOME": "relative"}) == Path(home) / ".config/certify"
    )


def test_runs_that_race_use_one_key(home: Path):
    script = "from certify.seal import keystore; print(keystore.signing_key().public.fingerprint)"
    racing = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    told = {process.communicate()[0].strip() for process in racing}
    assert {process.returncode for process in racing} == {0}
    assert told == {keystore.signing_key().public.fingerprint}
    assert sorted(path.name for path in (home / ".config/certify").iterdir()) == ["key.pem", "key.pub"]


def test_local_key_that_others_can_read_is_refused(home: Path):
    keystore.signing_key()
    (home / ".config/certify/key.pem").chmod(0o640)
    with pytest.raises(KeyFileError) as caught:
        keystore.signing_key()
    assert caught.value.code == "key-mode"
    assert "chmod 600" in caught.value.problem.cure


def test_local_key_that_is_broken_is_not_replaced(home: Path):
    keystore.signing_key()
    path = home / ".config/certify/key.pem"
    path.write_bytes(b"")
    with pytest.raises(KeyFileError):
        keystore.signing_key()
    assert path.read_bytes() == b""


def test_configuration_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match="no local key can be made") as caught:
        keystore.signing_key({"XDG_CONFIG_HOME": str(tmp_path / "file")})
    assert "CERTIFY_KEY" in caught.value.problem.cure


@pytest.mark.parametrize("as_path", [True, False])
@pytest.mark.parametrize("passphrase", [None, "hush"])
def test_key_of_the_environment(
    as_path: bool,  # noqa: FBT001 - pytest passes it by name
    passphrase: str | None,
    tmp_path: Path,
    home: Path,
    key: SigningKey,
):
    plain = keys.plain_pem(key.private)
    pem = plain if passphrase is None else keys.encrypted_pem(key.private, passphrase.encode(), cosign=False)
    path = tmp_path / "key"
    path.write_bytes(pem)
    path.chmod(0o600 if passphrase is None else 0o644)
    environ = {"CERTIFY_KEY": str(path) if as_path else pem.decode(), "HOME": str(home)}
    environ |= {} if passphrase is None else {"CERTIFY_KEY_PASSWORD": passphrase}
    found = keystore.signing_key(environ)
    assert (found.origin, found.path) == ("environment", str(path) if as_path else "")
    assert found.public.fingerprint == key.public.fingerprint
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("named", ["/nowhere/certify.key", "-----BEGIN PRIVATE KEY-----\nrubbish"])
def test_a_named_key_that_fails_is_not_replaced_by_the_local_one(named: str, home: Path):
    with pytest.raises(KeyFileError):
        keystore.signing_key({"CERTIFY_KEY": named, "HOME": str(home)})
    assert list(home.iterdir()) == []


def test_plain_key_file_that_others_can_read(tmp_path: Path, key: SigningKey):
    path = tmp_path / "key"
    path.write_bytes(keys.plain_pem(key.private))
    for bits in (0o640, 0o604, 0o660):
        path.chmod(bits)
        with pytest.raises(KeyFileError) as caught:
            keystore.signing_key({"CERTIFY_KEY": str(path)})
        assert caught.value.code == "key-mode"


def test_trusted_key_in_its_order(tmp_path: Path, home: Path, key: SigningKey, other_key: SigningKey):
    path = tmp_path / "a.pub"
    path.write_bytes(key.public.pem)
    base = {"HOME": str(home)}
    assert keystore.trusted_key(None, base) is None
    assert list(home.iterdir()) == []
    local = keystore.signing_key(base)
    environ = base | {"CERTIFY_KEY": keys.plain_pem(other_key.private).decode()}
    named = environ | {"CERTIFY_PUBLIC_KEY": other_key.public.pem.decode()}
    answers = [
        keystore.trusted_key(path, named),
        keystore.trusted_key(None, named),
        keystore.trusted_key(None, environ),
        keystore.trusted_key(None, base),
    ]
    shown = [(answer[0].fingerprint, answer[1]) for answer in answers if answer]
    assert shown == [
        (key.public.fingerprint, str(path)),
        (other_key.public.fingerprint, "CERTIFY_PUBLIC_KEY"),
        (other_key.public.fingerprint, "CERTIFY_KEY"),
        (local.public.fingerprint, "the local key of this user"),
    ]
