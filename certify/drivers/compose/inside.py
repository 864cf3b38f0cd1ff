"""What a compose file tells of its inner addresses under `x-certify`, and those addresses as they are outside. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from certify.drivers.compose.command import ComposeFileError
from certify.drivers.endpoints import Endpoints, Told

EXTENSION = "x-certify"


class InContainer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file in a service's container, running or not."""

    service: str
    file: str


class Spans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the services send their spans (`url`), and the `variable` of the file that tells them so."""

    url: str
    variable: str


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A container that connects sockets in a folder of this machine with the network of the containers.

    Attributes:
        service: its name; it is left out unless the Compose profile `certify` is chosen.
        folder: the variable of the file that names the folder.
        user: the variable that names whom the folder belongs to, as `UID:GID`.
        to: inner addresses `HOST:PORT`, each behind a socket of that name -> the variable that names the port of this
            machine by which it is reached; empty: nobody inside needs to know.
        spans: what comes to it goes to the socket `spans`.
    """

    service: str
    folder: str
    user: str
    to: dict[str, str] = {}
    spans: Spans | None = None


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"where": "in"}):
    """How a service is cut from something, and given it back: commands that are run in a container of the part.

    `{service}` in a word is the name of the service.
    """

    where: str
    cut: list[str]
    mend: list[str]
    user: str = ""


class Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a compose file tells.

    Attributes:
        endpoints: a file as JSON, in the shape of `certify.drivers.endpoints.Endpoints`, with inner addresses.
        parts: role -> service.
        cut: role -> how services are cut from it.
        outside_health: the health checks of services whose ready probes the profile declares ask nothing but these. certify
            asks them itself, and does without health checks that run in the containers and cost more than they tell.
    """

    endpoints: InContainer | None = None
    parts: dict[str, str] = {}
    door: Door | None = None
    cut: dict[str, Line] = {}
    outside_health: bool = False


def read(config: Mapping[str, Any]) -> Inside:
    """What the resolved file tells; nothing where it has no such words.

    Raises:
        ComposeFileError: they cannot be understood.
    """
    try:
        return msgspec.convert(config.get(EXTENSION) or {}, Inside)
    except msgspec.ValidationError as error:
        raise ComposeFileError(f"{EXTENSION} in the compose files: {error}\ncure: see docs/compose.md") from error


def outside(told: Endpoints, addresses: Mapping[str, str]) -> Endpoints:
    """The same end points with the addresses of this machine; what cannot be reached from it has none.

    Args:
        told: with inner addresses.
        addresses: inner `HOST:PORT` -> outer `HOST:PORT`.
    """
    brokers = [addresses[one] for one in told.broker.split(",") if one in addresses]
    credentials = dict(told.credentials)
    for name in ("login", "mailbox"):
        if url := credentials.get(name):
            credentials[name] = moved(str(url), addresses)
    return Endpoints(
        services={name: _moved(one, addresses) for name, one in told.services.items()},
        gateway=_moved(told.gateway, addresses) if told.gateway else None,
        credentials=credentials,
        broker=",".join(brokers),
        parts=told.parts,
    )


def moved(url: str, addresses: Mapping[str, str]) -> str:
    """An URL, or a DSN, with the address of this machine; empty when its own cannot be reached from here."""
    parts = urlsplit(url)
    user, at, inner = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{addresses[inner]}").geturl() if inner in addresses else ""


def _moved(told: Told, addresses: Mapping[str, str]) -> Told:
    return msgspec.structs.replace(
        told, url=moved(told.url, addresses), database=moved(told.database, addresses) if told.database else ""
    )
