"""Everything secret of one run: the signing key of `auth`, users with passwords, tokens of services. New each time."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from certify_stack.embedded.private import write_private
from certify_stack.kit.roles import Role
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER
from certify_stack.kit.tokens import ALGORITHM, SigningKey, thumbprint

_KEY_BITS = 2048
_EXPONENT = 65537
_TOKEN_SECONDS = 24 * 3600
_PASSWORD_BYTES = 18


@dataclass(frozen=True)
class RunSecrets:
    """The secrets and where they lie.

    Attributes:
        key: The signing key of `auth`.
        key_file: Its PEM file, readable by the owner only.
        passwords: Password by role; the user of each role has the role's name.
        token_files: File with the token that a service shows to others, by service.
        service_token: A token with the role `service`, for callers outside of the stack.
    """

    key: SigningKey
    key_file: Path
    passwords: Mapping[str, str]
    token_files: Mapping[str, Path]
    service_token: str

    @classmethod
    def create(cls, folder: Path, services: Iterable[str]) -> RunSecrets:
        """Make all secrets; files go to `folder`, which is created for the owner alone."""
        folder.mkdir(mode=0o700)
        private = rsa.generate_private_key(_EXPONENT, _KEY_BITS)
        key = SigningKey(private, thumbprint(private.public_key()))
        key_file = folder / "auth.pem"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(key_file, pem)
        token_files = {}
        for name in services:
            token_files[name] = folder / f"{name}.token"
            write_private(token_files[name], _mint(key, name).encode())
        passwords = {str(role): secrets.token_urlsafe(_PASSWORD_BYTES) for role in Role}
        return cls(key, key_file, passwords, token_files, _mint(key, "certify"))

    def gateway_jwt(self) -> dict[str, Any]:
        """What the gateway needs to verify tokens."""
        public = self.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {
            "publicKey": public.decode(),
            "issuer": DEFAULT_ISSUER,
            "audience": DEFAULT_AUDIENCE,
            "algorithm": ALGORITHM,
        }

    def credentials(self, login: str) -> dict[str, Any]:
        """What callers of the stack are told: how to log in, as whom, and how tokens are made."""
        users = {role: {"username": role, "password": word, "role": role} for role, word in self.passwords.items()}
        jwt = {
            "issuer": DEFAULT_ISSUER,
            "audience": DEFAULT_AUDIENCE,
            "algorithm": ALGORITHM,
            "kid": self.key.kid,
            "private_key_file": str(self.key_file),
        }
        return {"login": login, "users": users, "jwt": jwt, "tokens": {"service": self.service_token}}


def _mint(key: SigningKey, subject: str) -> str:
    return key.mint(subject, [Role.SERVICE], issuer=DEFAULT_ISSUER, audience=DEFAULT_AUDIENCE, ttl=_TOKEN_SECONDS)
