"""Bulk data in and out, with every row that was refused."""

from certify_stack.erp.catalog import STORED_FILE, USER
from certify_stack.kit.model import Access, Children, Choice, Entity, Service, choice, foreign, integer, local, text
from certify_stack.kit.roles import BOOKKEEPERS, MACHINES, STAFF

STATE = Choice(
    "TransferState",
    "How far a transfer has come.",
    {
        "PENDING": "Waits to start.",
        "RUNNING": "Works on rows.",
        "DONE": "Took every good row.",
        "FAILED": "Stopped before the end.",
    },
)

SERVICE = Service(
    name="import-export",
    description="Imports and exports of bulk data.",
    entities=(
        Entity(
            name="ImportJob",
            plural="ImportJobs",
            table="import_job",
            description="Rows of a file that become entries of a service.",
            access=Access(create=STAFF, update=STAFF | MACHINES),
            fields=(
                text("target", "The kind of entry that the rows become.", max_length=80, sample="Target{}"),
                foreign("file", STORED_FILE, "The file with the rows."),
                foreign("requested_by", USER, "Who asked for it."),
                choice("state", "How far it has come.", STATE),
                integer("rows_read", "Rows looked at so far."),
                integer("rows_refused", "Rows that broke a rule."),
            ),
            children=(Children("refusals", "RowRefusal", "import_job", "Rows that broke a rule."),),
            filters=("requested_by", "file", "state"),
        ),
        Entity(
            name="RowRefusal",
            plural="RowRefusals",
            table="row_refusal",
            description="A row that an import did not take, and why.",
            access=Access(create=MACHINES, update=None),
            fields=(
                local("import_job", "ImportJob", "The import that refused it."),
                integer("row_number", "Number of the row in the file, from 1.", minimum=1),
                text("reason", "The rule that it breaks.", max_length=500, sample="reason {}"),
            ),
            filters=("import_job",),
        ),
        Entity(
            name="ExportJob",
            plural="ExportJobs",
            table="export_job",
            description="Entries of a service that become rows of a file.",
            access=Access(create=BOOKKEEPERS, update=MACHINES),
            fields=(
                text("source", "The kind of entry that is written.", max_length=80, sample="Source{}"),
                foreign("file", STORED_FILE, "The finished file.", required=False),
                foreign("requested_by", USER, "Who asked for it."),
                choice("state", "How far it has come.", STATE),
            ),
            filters=("requested_by", "file"),
        ),
    ),
)
