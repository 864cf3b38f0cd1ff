"""Bulk data in and out, with every row that was refused."""

from dataclasses import replace

from certify_stack.erp.catalog import STORED_FILE, USER
from certify_stack.erp.import_export.operations import MUTATIONS
from certify_stack.erp.import_export.routes import add_routes
from certify_stack.erp.import_export.running import run_imports
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    Field,
    Service,
    choice,
    decimal,
    foreign,
    integer,
    local,
    text,
)
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


def _read_only(field: Field) -> Field:
    """Declare what only a running import writes."""
    return replace(field, writable=False, required=False)


SERVICE = Service(
    name="import-export",
    description="Imports and exports of bulk data.",
    entities=(
        Entity(
            name="ImportJob",
            plural="ImportJobs",
            table="import_job",
            description="Rows of a file that become entries of a service.",
            access=Access(create=STAFF, update=MACHINES),
            fields=(
                text("target", "The kind of entry that the rows become.", max_length=80, sample="Target{}"),
                foreign("file", STORED_FILE, "The file with the rows."),
                foreign("requested_by", USER, "Who asked for it."),
                choice("state", "How far it has come.", STATE),
                integer("rows_read", "Rows looked at so far."),
                integer("rows_refused", "Rows that broke a rule."),
                replace(integer("rows_total", "Rows in the file, as far as they were counted."), writable=False),
                _read_only(text("file_name", "Name of the file.", sample="invoices-{}.csv")),
                _read_only(text("sha256", "Digest of the file's content.", max_length=64, sample="{:064x}")),
                _read_only(text("currency", "Currency of the amounts.", max_length=3, sample="BDT")),
                _read_only(decimal("net", "Sum of the net amounts.")),
                _read_only(decimal("duty", "Sum of the supplementary duties.")),
                _read_only(decimal("vat", "Sum of the value added taxes.")),
                _read_only(decimal("gross", "Sum of what is to be paid.")),
                _read_only(text("trouble", "Why nothing was imported.", max_length=500, sample="trouble {}")),
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
                integer("row_number", "Number of the line in the file, from 1.", minimum=1),
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
    mutations=MUTATIONS,
    tasks={"imports": run_imports},
    routes=add_routes,
)
