"""Stored files: folders, files with their digests, and what is in them."""

from certify_stack.erp.catalog import STORED_FILE, USER
from certify_stack.erp.file_storage.routes import add_routes
from certify_stack.kit.model import Access, Children, Entity, Service, foreign, integer, local, text
from certify_stack.kit.roles import MACHINES, STAFF

SERVICE = Service(
    name="file-storage",
    description="Folders and stored files with size, type and digest.",
    entities=(
        Entity(
            name="Folder",
            plural="Folders",
            table="folder",
            description="A place for files.",
            fields=(
                text("name", "Name, unique inside of its parent.", sample="folder-{}"),
                local("parent", "Folder", "The folder around it.", required=False),
                foreign("owner", USER, "Who answers for it."),
            ),
            children=(Children("files", "StoredFile", "folder", "Files in this folder."),),
            filters=("parent", "owner"),
        ),
        Entity(
            name="StoredFile",
            plural="StoredFiles",
            table="stored_file",
            description=STORED_FILE.description,
            access=Access(create=STAFF | MACHINES, update=STAFF | MACHINES),
            fields=(
                text("name", "File name.", sample="file-{}.csv"),
                local("folder", "Folder", "Where it lies."),
                text("media_type", "Media type, such as text/csv.", max_length=100, sample="text/csv"),
                integer("size_bytes", "Size in bytes."),
                text("sha256", "Digest of the content, 64 hexadecimal digits.", max_length=64, sample="{:064x}"),
                foreign("owner", USER, "Who stored it."),
            ),
            filters=("folder", "owner"),
        ),
    ),
    routes=add_routes,
)
