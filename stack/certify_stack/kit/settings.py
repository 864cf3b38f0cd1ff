"""Settings of one service process, frozen, from the environment or from the launcher."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec

PREFIX = "ERP_"
DEFAULT_ISSUER = "urn:erp:auth"
DEFAULT_AUDIENCE = "urn:erp:api"


class SettingsError(ValueError):
    """A setting is absent or unusable; the message names the variable and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a service must be told.

    Attributes:
        database_dsn: The service's own database, as ``postgresql://user:password@host:port/name``.
        auth_public_jwks: The public keys of ``auth``: a path of a JWKS file, or the JWKS itself.
        issuer: The ``iss`` that tokens must carry.
        audience: The ``aud`` that tokens must carry.
        otlp_endpoint: Base URL of an OTLP/HTTP collector; None exports nothing.
        service_urls: Base URL of other services, by service name.
        service_token_file: File with the token that this service shows to others.
        auth_private_key: PEM file of the signing key; only ``auth`` has it.
        pool_size: The most connections that the process opens to its database.
        broker: ``host:port`` of a Kafka broker, or several with commas; None relays and consumes nothing.
        mail_server: ``host:port`` of the SMTP server that takes e-mails; only notification needs it.
        sms_provider: Base URL of the provider that takes text messages; only notification needs it.
    """

    database_dsn: str
    auth_public_jwks: Path | Mapping[str, Any]
    issuer: str = DEFAULT_ISSUER
    audience: str = DEFAULT_AUDIENCE
    otlp_endpoint: str | None = None
    service_urls: Mapping[str, str] = field(default_factory=dict)
    service_token_file: Path | None = None
    auth_private_key: Path | None = None
    pool_size: int = 5
    broker: str | None = None
    mail_server: str | None = None
    sms_provider: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ``ERP_DATABASE_DSN``, ``ERP_AUTH_JWKS`` and the optional rest, such as ``ERP_BROKER``.

        The DSN holds a password: ``ERP_DATABASE_DSN_FILE`` may name a file that holds it instead.

        Raises:
            SettingsError: A required variable is absent or a value is unusable.
        """

        def required(name: str, cure: str) -> str:
            value = environ.get(PREFIX + name, "")
            if not value:
                raise SettingsError(f"{PREFIX}{name} is not set; {cure}")
            return value

        def path(name: str) -> Path | None:
            value = environ.get(PREFIX + name)
            return Path(value) if value else None

        return cls(
            database_dsn=_secret(path("DATABASE_DSN_FILE"))
            or required("DATABASE_DSN", "give a DSN such as postgresql://user@127.0.0.1:5432/finance"),
            auth_public_jwks=Path(required("AUTH_JWKS", "give the path of the JWKS file of auth")),
            issuer=environ.get(PREFIX + "ISSUER", DEFAULT_ISSUER),
            audience=environ.get(PREFIX + "AUDIENCE", DEFAULT_AUDIENCE),
            otlp_endpoint=environ.get(PREFIX + "OTLP_ENDPOINT") or None,
            service_urls=_urls(environ.get(PREFIX + "SERVICE_URLS", "{}")),
            service_token_file=path("SERVICE_TOKEN_FILE"),
            auth_private_key=path("AUTH_PRIVATE_KEY"),
            pool_size=_positive(environ.get(PREFIX + "POOL_SIZE", "5")),
            broker=environ.get(PREFIX + "BROKER") or None,
            mail_server=environ.get(PREFIX + "MAIL_SERVER") or None,
            sms_provider=environ.get(PREFIX + "SMS_PROVIDER") or None,
        )


def _secret(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() if file else ""
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{file} cannot be read ({error}); give a file that this user may read") from error


def _urls(raw: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(raw, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SettingsError(
            f"{PREFIX}SERVICE_URLS is not a JSON object of service name to URL ({error}); "
            'give for example {"audit": "http://127.0.0.1:8090"}'
        ) from error


def _positive(raw: str) -> int:
    if not raw.isdecimal() or int(raw) < 1:
        raise SettingsError(f"{PREFIX}POOL_SIZE is {raw!r}; give a whole number of at least 1")
    return int(raw)
