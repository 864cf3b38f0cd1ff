"""Documents made of templates and data, reports among them."""

from dataclasses import replace

from starlette.applications import Starlette

from certify_stack.erp.catalog import CUSTOMER, INVOICE, STORED_FILE, USER
from certify_stack.erp.document_generator import report_requests, report_routes, routes
from certify_stack.erp.document_generator.reporting import make_reports
from certify_stack.erp.document_generator.tax_invoices import MUTATIONS, QUERIES, Invoice, TaxInvoiceForm
from certify_stack.kit.model import (
    Access,
    Choice,
    Entity,
    Field,
    Service,
    boolean,
    choice,
    day,
    foreign,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS, BOOKKEEPERS, MACHINES, STAFF
from certify_stack.kit.runtime import Runtime

FORMAT = Choice(
    "DocumentFormat",
    "The format of a finished document.",
    {"PDF": "Portable document format.", "HTML": "A web page.", "CSV": "Comma separated values."},
)
STATUS = Choice(
    "DocumentStatus",
    "How far a document has come.",
    {"REQUESTED": "Waits to be made.", "READY": "It is stored.", "FAILED": "It could not be made."},
)


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add tax invoices and reports as files."""
    routes.add_routes(app, runtime)
    report_routes.add_routes(app, runtime)


def _read_only(field: Field) -> Field:
    """Declare what only the making of a report writes."""
    return replace(field, writable=False, required=False)


SERVICE = Service(
    name="document-generator",
    description="Document templates, documents made of them, and reports.",
    entities=(
        Entity(
            name="DocumentTemplate",
            plural="DocumentTemplates",
            table="document_template",
            description="The layout of a kind of document.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("code", "The name by which services ask for it.", max_length=60, sample="layout-{:03d}"),
                text("title", "Title as printed.", sample="Layout {}"),
                choice("output", "The format it makes.", FORMAT),
                integer("version", "Number of the edition.", minimum=1),
                boolean("active", "Whether new documents may use it."),
            ),
        ),
        Entity(
            name="Document",
            plural="Documents",
            table="document",
            description="A document made of a template for a customer or an invoice.",
            access=Access(create=STAFF | MACHINES, update=MACHINES),
            fields=(
                local("template", "DocumentTemplate", "The layout."),
                foreign("customer", CUSTOMER, "The customer it is about.", required=False),
                foreign("invoice", INVOICE, "The invoice it is about.", required=False),
                foreign("requested_by", USER, "Who asked for it."),
                foreign("file", STORED_FILE, "Where it is stored.", required=False),
                choice("status", "How far it has come.", STATUS),
            ),
            filters=("template", "customer", "invoice", "requested_by"),
        ),
        Entity(
            name="Report",
            plural="Reports",
            table="report",
            description="A report over a period, asked for by a user.",
            access=Access(read=BOOKKEEPERS | MACHINES, create=BOOKKEEPERS, update=MACHINES),
            fields=(
                text("name", "What the report shows.", max_length=120, sample="report {}"),
                local("template", "DocumentTemplate", "The layout."),
                foreign("requested_by", USER, "Who asked for it."),
                foreign("file", STORED_FILE, "Where it is stored.", required=False),
                choice("status", "How far it has come.", STATUS),
                _read_only(day("first_day", "The first day of its period.")),
                _read_only(day("last_day", "The last day of its period.")),
                _read_only(text("currency", "Of which invoices.", max_length=3, sample="BDT")),
                _read_only(text("sha256", "Digest of the file.", max_length=64, sample="{:064x}")),
                _read_only(text("trouble", "Why it could not be made.", max_length=500, sample="trouble {}")),
            ),
            filters=("requested_by", "template"),
        ),
    ),
    queries=QUERIES,
    mutations=MUTATIONS + report_requests.MUTATIONS,
    tasks={"reports": make_reports},
    types=(Invoice, TaxInvoiceForm),
    routes=add_routes,
)
