"""Content in and out, for other services of the stack."""

import re
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from certify_stack.erp.file_storage import contents
from certify_stack.erp.file_storage.contents import Content
from certify_stack.kit.database import Connection
from certify_stack.kit.endpoint import json_response
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.outbox import Event
from certify_stack.kit.roles import MACHINES
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import check_text, parse_id
from certify_stack.kit.streams import guarded

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
FOLDER = "SELECT id FROM folder WHERE name = $1 AND parent_id IS NULL AND owner_id = $2 ORDER BY created_at LIMIT 1"
MAKE_FOLDER = "INSERT INTO folder (name, owner_id) VALUES ($1, $2) RETURNING id"
FILE = "SELECT id FROM stored_file WHERE sha256 = $1 AND owner_id = $2 AND name = $3 ORDER BY created_at LIMIT 1"
MAKE_FILE = """
    INSERT INTO stored_file (name, folder_id, media_type, size_bytes, sha256, owner_id)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
"""


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the routes; each is for services alone."""
    app.add_route("/contents", guarded(runtime, MACHINES, keep), methods=["POST"])
    app.add_route("/contents/{sha256}", guarded(runtime, MACHINES, read), methods=["GET"])


async def keep(context: Context, request: Request) -> Response:
    """Store the body as a file of ``owner`` named ``name`` in the owner's folder ``folder``."""
    given = request.query_params
    name = check_text(given.get("name", ""), "name", 200)
    folder = check_text(given.get("folder", ""), "folder", 200)
    media_type = check_text(request.headers.get("content-type", ""), "content-type", 100)
    owner = parse_id(given.get("owner", ""), "owner")
    content = await contents.keep(context.database, request.stream())
    async with context.database.transaction() as connection:
        # A file of that name with that content is that file.
        key = await connection.fetchval(FILE, content.sha256, owner, name)
        if key is None:
            about = {"name": name, "folder_id": await _folder(context, connection, folder, owner)}
            key = await _file(context, connection, about | {"media_type": media_type}, content, owner)
    return json_response({"id": str(key), "sha256": content.sha256, "size_bytes": content.size_bytes})


async def _folder(context: Context, connection: Connection, name: str, owner: UUID) -> UUID:
    known: UUID | None = await connection.fetchval(FOLDER, name, owner)
    if known is not None:
        return known
    key: UUID = await connection.fetchval(MAKE_FOLDER, name, owner)
    data = {"name": name, "parent_id": None, "owner_id": owner}
    await context.record(connection, Event(type="FolderCreated", subject=key, subject_type="Folder", data=data))
    return key


async def _file(context: Context, connection: Connection, about: dict[str, Any], content: Content, owner: UUID) -> UUID:
    row = about | {"size_bytes": content.size_bytes, "sha256": content.sha256, "owner_id": owner}
    key: UUID = await connection.fetchval(MAKE_FILE, *row.values())
    made = Event(type="StoredFileCreated", subject=key, subject_type="StoredFile", data=row)
    await context.record(connection, made)
    return key


async def read(context: Context, request: Request) -> Response:
    """Return a content by its digest."""
    sha256 = request.path_params["sha256"]
    if not DIGEST.fullmatch(sha256):
        raise InvalidInputError("a digest has 64 hexadecimal digits")
    key = await contents.find(context.database, sha256)
    parts = contents.read(context.database, key, sha256)
    return StreamingResponse(parts, media_type="application/octet-stream", headers={"x-content-sha256": sha256})
