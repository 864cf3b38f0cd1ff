"""Key files: every form that is read and written, and those that are refused."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certify.seal import cosign_key, keys, secretbox
from certify.seal.errors import KeyFileError
from certify.seal.keys import SigningKey

# Made by cosign 3.1.3 for this test alone; the passphrase is "hush2".
COSIGN_KEY = b"""\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJwYlp3REJVZm52Y2ZaNVRZVDJEUXlpMjNIQ1dQa01S
MWlKa3BLclF5c2xrPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJlRnBKTGZGdGJXdXdTcUN0WFFpZlpGVFJteUVuby8yTyJ9LCJj
aXBoZXJ0ZXh0IjoiN1BvbnNIK3lIUWFCb3ZHSTZPYnoxV3orTDlsMTNFWmlsWDU5
aTJwYUwzZHFxTTA3eXdkTlB1ajI1OUhlQ1BWT01WV3M1dWpvTGdJc21wVjluek94
ZzA1VVhWTlUxQWRmZWNkLzJHa3lJQzZCRG9rczJFZ25uMmtMTU5EWC9yYnJ0U3Vh
Y1FzRG1wUGFacGlQakZYVmxCZTRxM29WNEFCZE1zUENNcm9kcnY5cFc2Y0NhWk1C
blBuamhGblpMYitXb2VSZ1JJV254bDg1aEE9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
COSIGN_PUBLIC = b"""\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeGxX9p98bV+xrDLnk/zchJO9uyBm
tisv31Q1vVngyuivwhjYwdaAdRCQnD3qxLU0wCFrW05c+4mAmF0bJ4zjyQ==
-----END PUBLIC KEY-----
"""


def openssl(*words: str, given: bytes) -> bytes:
    command = ["openssl", *words]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def test_secretbox_is_that_of_nacl():
    """The vector of NaCl's own tests/secretbox.c."""
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    plain = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01"
        "233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd"
        "4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"
    )
    box = bytes.fromhex(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c"
        "98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfea"
        "bd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    )
    assert secretbox.seal(plain, key, nonce) == box
    assert secretbox.unseal(box, key, nonce) == plain


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 63, 64, 65, 138, 500])
def test_secretbox_round_trip_and_every_kind_of_damage(length: int):
    key, nonce, plain = bytes(range(32)), bytes(range(24)), bytes(n % 251 for n in range(length))
    box = secretbox.seal(plain, key, nonce)
    assert secretbox.unseal(box, key, nonce) == plain
    for place in {0, 15, len(box) - 1, len(box) // 2}:
        spoiled = bytearray(box)
        spoiled[place] ^= 1
        assert secretbox.unseal(bytes(spoiled), key, nonce) is None
    assert secretbox.unseal(box[:-1], key, nonce) is None
    assert secretbox.unseal(box, key, nonce[::-1]) is None
    with pytest.raises(ValueError, match="32 bytes of key"):
        secretbox.seal(plain, key[1:], nonce)


def test_key_made_by_cosign():
    private = keys.read_private(COSIGN_KEY, b"hush2")
    assert SigningKey(private).public.pem == COSIGN_PUBLIC


@pytest.mark.parametrize("cosign", [True, False])
def test_encrypted_round_trip(cosign: bool, key: SigningKey):  # noqa: FBT001 - pytest passes it by name
    pem = keys.encrypted_pem(key.private, b"hush", cosign=cosign)
    assert SigningKey(keys.read_private(pem, b"hush")).public.fingerprint == key.public.fingerprint
    assert not keys.is_plain(pem)
    with pytest.raises(KeyFileError, match="does not open") as caught:
        keys.read_private(pem, b"hush!")
    assert caught.value.code == "key-passphrase"
    with pytest.raises(KeyFileError, match="no passphrase is given"):
        keys.read_private(pem)


def test_cosign_key_has_the_strongest_work_factor_that_cosign_takes(key: SigningKey):
    lines = keys.encrypted_pem(key.private, b"hush", cosign=True).splitlines()
    body = json.loads(base64.b64decode(b"".join(lines[1:-1])))
    assert body["kdf"]["params"] == {"N": 131072, "r": 8, "p": 1}
    assert max(map(len, lines)) <= 64


def test_pkcs8_is_read_by_openssl_and_has_many_rounds(key: SigningKey):
    pem = keys.encrypted_pem(key.private, b"hush", cosign=False)
    assert openssl("pkey", "-passin", "pass:hush", "-pubout", given=pem) == key.public.pem
    assert b":0927C0" in openssl("asn1parse", given=pem)  # 600,000


FORMS = {
    "PKCS#8": ["pkcs8", "-topk8", "-nocrypt"],
    "SEC1": ["ec"],
    "PBES2 by scrypt": ["pkcs8", "-topk8", "-scrypt", "-passout", "pass:hush"],
    "PBES2 by PBKDF2": ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:hush"],
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_openssl(form: str, key: SigningKey):
    pem = openssl(*FORMS[form], given=keys.plain_pem(key.private))
    assert SigningKey(keys.read_private(pem, b"hush")).public.fingerprint == key.public.fingerprint
    assert keys.is_plain(pem) == ("PBES2" not in form)


def test_sec1_with_its_parameters_before_it():
    pem = openssl("ecparam", "-name", "prime256v1", "-genkey", given=b"")
    assert b"BEGIN EC PARAMETERS" in pem
    assert keys.read_private(pem).curve.name == "secp256r1"


OTHERS = {
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), "secp384r1"),
    "P-521": (lambda: ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, "Ed25519"),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), "RSA"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_key_never_sign(kind: str):
    make, name = OTHERS[kind]
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(KeyFileError, match=name) as caught:
        keys.read_private(make().private_bytes(*form))
    assert caught.value.code == "key-kind"
    assert "certify keygen" in caught.value.problem.cure


def test_old_encryption_is_refused_with_the_way_out(key: SigningKey):
    pem = openssl("ec", "-aes256", "-passout", "pass:hush", given=keys.plain_pem(key.private))
    with pytest.raises(KeyFileError) as caught:
        keys.read_private(pem, b"hush")
    assert caught.value.code == "key-kind"
    assert "openssl pkcs8 -topk8" in caught.value.problem.cure


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        (
            b'{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox",'
            b'"nonce":""},"ciphertext":""}'
        ),
        (
            b'{"kdf":{"name":"scrypt","params":{"N":32768,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox",'
            b'"nonce":"AAAA"},"ciphertext":""}'
        ),
        (
            b'{"kdf":{"name":"scrypt","params":{"N":32768,"r":8,"p":1},"salt":"?"},"cipher":{"name":"nacl/secretbox",'
            b'"nonce":"AAAA"},"ciphertext":""}'
        ),
    ],
)
def test_broken_cosign_key(body: bytes):
    with pytest.raises(KeyFileError) as caught:
        keys.read_private(cosign_key.pem(cosign_key.LABELS[0], body), b"hush")
    assert caught.value.code == "key-unreadable"


@pytest.mark.parametrize("pem", [b"", b"rubbish", COSIGN_PUBLIC, COSIGN_KEY * 2])
def test_no_private_key(pem: bytes):
    with pytest.raises(KeyFileError):
        keys.read_private(pem, b"hush2")


def test_the_passphrase_never_stands_in_the_message():
    with pytest.raises(KeyFileError) as caught:
        keys.read_private(COSIGN_KEY, b"open sesame")
    assert "sesame" not in str(caught.value) + repr(caught.value)


def test_a_signing_key_does_not_print_itself(key: SigningKey):
    assert repr(key) == f"SigningKey(fingerprint={key.public.fingerprint!r}, origin='file', path='')"


def test_fingerprints_are_those_of_openssl_and_ssh(tmp_path: Path, key: SigningKey):
    der = openssl("pkey", "-pubin", "-outform", "DER", given=key.public.pem)
    digest = openssl("dgst", "-sha256", "-binary", given=der)
    assert key.public.fingerprint == base64.b64encode(digest).decode()
    assert keys.read_public(key.public.pem).fingerprint == key.public.fingerprint
    path = tmp_path / "key.pub"
    path.write_bytes(key.public.key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH))
    words = ["ssh-keygen", "-lf", path]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert key.public.ssh_fingerprint in shown.split()


def test_openssl_verifies_what_we_sign_and_we_what_openssl_signs(tmp_path: Path, key: SigningKey):
    for name, data in (("pub", key.public.pem), ("key", keys.plain_pem(key.private)), ("message", b"hello")):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "sig").write_bytes(key.sign(b"hello"))
    words = ["dgst", "-sha256", "-verify", tmp_path / "pub", "-signature", tmp_path / "sig", tmp_path / "message"]
    assert openssl(*map(str, words), given=b"") == b"Verified OK\n"
    theirs = openssl("dgst", "-sha256", "-sign", str(tmp_path / "key"), str(tmp_path / "message"), given=b"")
    assert key.public.verifies(theirs, b"hello")
    assert not key.public.verifies(theirs, b"hallo")
    assert not key.public.verifies(theirs + b"\0", b"hello")
    assert not key.public.verifies(b"", b"hello")
