"""What a stack of containers tells of itself: the end points that one of them wrote down."""

import io
import os
import tarfile
from pathlib import Path

import docker.errors
import msgspec

from certify.drivers.compose.containers import Containers
from certify.drivers.compose.inside import InContainer
from certify.drivers.endpoints import Endpoints
from certify.drivers.interface import EnvironmentUnusableError

_MOST_BYTES = 1 << 20
_KEY = "auth.pem"


def read_endpoints(containers: Containers, where: InContainer, folder: Path) -> Endpoints:
    """The end points, with inner addresses; none when the file was never written.

    A key that is told as text goes to a file in `folder`, as checks want it.

    Raises:
        EnvironmentUnusableError: the file is there, and cannot be understood.
    """
    try:
        chunks, about = containers.get(where.service).get_archive(where.file)
    except (LookupError, docker.errors.NotFound):
        return Endpoints()
    if int(about.get("size") or 0) > _MOST_BYTES:
        raise EnvironmentUnusableError(f"{where.file} of {where.service} is too large for end points")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member else None
        text = file.read() if file else b""
    try:
        told = msgspec.json.decode(text, type=Endpoints)
    except msgspec.MsgspecError as error:
        raise EnvironmentUnusableError(
            f"{where.file} of {where.service} tells no usable end points: {error}\ncure: see docs/compose.md"
        ) from error
    return _with_key_file(told, folder)


def _with_key_file(told: Endpoints, folder: Path) -> Endpoints:
    jwt = told.credentials.get("jwt")
    if not isinstance(jwt, dict) or not isinstance(jwt.get("private_key"), str):
        return told
    file = folder / _KEY
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as target:
        target.write(jwt["private_key"])
    facts = {name: value for name, value in jwt.items() if name != "private_key"}
    credentials = {**told.credentials, "jwt": {**facts, "private_key_file": str(file)}}
    return msgspec.structs.replace(told, credentials=credentials)
