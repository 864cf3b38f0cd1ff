"""Where things are in the containers, and as whom each of them runs. The compose file and the jobs agree on these."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from certify_stack.erp import SERVICES

SECRETS: Final = "/secrets"
ROLES: Final = "/roles"
# In the image, for databases that are empty: see certify_stack.kit.scripts.
SCRIPTS: Final = "/opt/services/migrations"
DOOR: Final = "/door"
PORT: Final = 8080
DATABASE: Final = "postgres"
DATABASE_PORT: Final = 5432
BROKER: Final = "kafka"
BROKER_PORT: Final = 9092
# Kafka sends its clients on to the address that it calls its own: here one for those who come in from outside.
BROKER_OUTSIDE_PORT: Final = 9094
GATEWAY: Final = "gateway"
SPANS_PORT: Final = 4318
SINK: Final = "sink"
SMTP_PORT: Final = 2525

MIGRATIONS: Final = "migrations"
# Of the image node.
GATEWAY_USER: Final = 1000
_FIRST_USER: Final = 10_000
USERS: Final = {name: _FIRST_USER + number for number, name in enumerate((MIGRATIONS, *SERVICES, SINK))} | {
    GATEWAY: GATEWAY_USER
}

JWKS: Final = f"{SECRETS}/public/jwks.json"
GATEWAY_FILE: Final = "gateway.json"
KEY_FILE: Final = "key.pem"
DSN_FILE: Final = "dsn"
TOKEN_FILE: Final = "token"  # noqa: S105 - the name of a file
DATABASES_FILE: Final = "databases.json"
USERS_FILE: Final = "users.json"
# For whoever tests the stack from outside: only root may read it.
ENDPOINTS: Final = f"{SECRETS}/caller/endpoints.json"


def folder(name: str) -> Path:
    """Where the secrets of one container lie, which only its user may read."""
    return Path(SECRETS, name)
