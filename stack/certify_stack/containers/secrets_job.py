"""The job `secrets`: everything secret of one project, in a volume; each file for the user of the container that needs it.

What was handed out once stays valid: the database knows the passwords. Only tokens, which expire, are new each time.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from certify_stack.containers import places
from certify_stack.containers.places import USERS
from certify_stack.erp import SERVICES
from certify_stack.gateway.process import Subgraph, configuration
from certify_stack.kit.app import schema_of
from certify_stack.kit.roles import Role
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER
from certify_stack.kit.tokens import ALGORITHM, SigningKey

_KEY_BITS = 2048
_EXPONENT = 65537
_TOKEN_SECONDS = 24 * 3600
_PASSWORD_BYTES = 18
_ANYBODY = 0o444
# The server that is made anew runs without the options of the compose file; a new database takes ten times as long with fsync.
_QUICKLY = "ALTER SYSTEM SET fsync = off;\nSELECT pg_reload_conf();\n"


def hand_out(root: Path, roles: Path) -> None:
    """Write all of it below `root`, and to `roles` the SQL that makes databases and their owners. Needs CAP_CHOWN."""
    key = _key(root)
    passwords = _kept(root / places.MIGRATIONS / places.USERS_FILE) or _passwords(Role)
    databases = _kept(root / places.MIGRATIONS / places.DATABASES_FILE) or _databases()
    _write(root / "public" / "jwks.json", json.dumps(key.jwks()), owner=0, mode=_ANYBODY)
    for name in SERVICES:
        _write(root / name / places.DSN_FILE, databases[name], USERS[name])
        _write(root / name / places.TOKEN_FILE, _token(key, name), USERS[name])
    migrations = root / places.MIGRATIONS
    _write(migrations / places.USERS_FILE, json.dumps(passwords), USERS[places.MIGRATIONS])
    _write(migrations / places.DATABASES_FILE, json.dumps(databases), USERS[places.MIGRATIONS])
    _write(root / places.GATEWAY / places.GATEWAY_FILE, _gateway(key), USERS[places.GATEWAY])
    _write(root / "caller" / Path(places.ENDPOINTS).name, json.dumps(_endpoints(key, passwords, databases)), owner=0)
    sql = _QUICKLY + "".join(map(_sql, databases, databases.values()))
    _write(roles / "databases.sql", sql, owner=0, mode=_ANYBODY)


def _key(root: Path) -> SigningKey:
    file = root / "auth" / places.KEY_FILE
    if not file.is_file():
        private = rsa.generate_private_key(_EXPONENT, _KEY_BITS)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(file, pem.decode(), USERS["auth"])
    return SigningKey.load(file)


def _passwords(names: Any) -> dict[str, str]:
    return {str(name): secrets.token_urlsafe(_PASSWORD_BYTES) for name in names}


def _databases() -> dict[str, str]:
    where = f"{places.DATABASE}:{places.DATABASE_PORT}"
    return {name: f"postgresql://{name}:{word}@{where}/{name}" for name, word in _passwords(SERVICES).items()}


def _kept(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _sql(name: str, dsn: str) -> str:
    password = dsn.removeprefix(f"postgresql://{name}:").partition("@")[0]
    return (
        f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}';\n"
        # The same order of strings whatever the C library of the image.
        f'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING UTF8'
        " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C';\n"
        f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC;\n'
    )


def _gateway(key: SigningKey) -> str:
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    jwt = {"publicKey": public, "issuer": DEFAULT_ISSUER, "audience": DEFAULT_AUDIENCE, "algorithm": ALGORITHM}
    subgraphs = (
        Subgraph(name, f"{_url(name)}/graphql", f"{_url(name)}/health/ready", schema_of(name).as_str())
        for name in SERVICES
    )
    return configuration(subgraphs, jwt, listen=("0.0.0.0", places.PORT))  # noqa: S104 - inside of its container


def _endpoints(key: SigningKey, passwords: Mapping[str, str], databases: Mapping[str, str]) -> dict[str, Any]:
    """What callers are told, with the addresses that hold inside of the containers' network."""
    paths = {"graphql": "/graphql", "live": "/health/live", "ready": "/health/ready"}
    more = {"metrics": "/metrics"}
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "gateway": {"url": _url(places.GATEWAY), **paths},
        "services": {name: {"url": _url(name), **paths, **more, "database": databases[name]} for name in SERVICES},
        "broker": f"{places.BROKER}:{places.BROKER_OUTSIDE_PORT}",
        "credentials": {
            "login": f"{_url('auth')}/login",
            "mailbox": f"{_url(places.SINK)}/messages",
            "users": {role: {"username": role, "password": word, "role": role} for role, word in passwords.items()},
            "jwt": {
                "issuer": DEFAULT_ISSUER,
                "audience": DEFAULT_AUDIENCE,
                "algorithm": ALGORITHM,
                "kid": key.kid,
                "private_key": pem,
            },
            "tokens": {"service": _token(key, "certify")},
        },
    }


def _url(name: str) -> str:
    return f"http://{name}:{places.PORT}"


def _token(key: SigningKey, subject: str) -> str:
    return key.mint(subject, [Role.SERVICE], issuer=DEFAULT_ISSUER, audience=DEFAULT_AUDIENCE, ttl=_TOKEN_SECONDS)


def _write(file: Path, text: str, owner: int, mode: int = 0o400) -> None:
    """In one step, and never readable for anybody else."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    work = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as target:
        target.write(text)
        os.fchown(target.fileno(), owner, owner)
    work.replace(file)
