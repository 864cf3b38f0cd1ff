"""Documents made of templates and data, reports among them."""

from certify_stack.erp.catalog import CUSTOMER, INVOICE, STORED_FILE, USER
from certify_stack.erp.document_generator.routes import add_routes
from certify_stack.erp.document_generator.tax_invoices import MUTATIONS, QUERIES, Invoice, TaxInvoiceForm
from certify_stack.kit.model import Access, Choice, Entity, Service, boolean, choice, foreign, integer, local, text
from certify_stack.kit.roles import ADMINS, BOOKKEEPERS, MACHINES, STAFF

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
            ),
            filters=("requested_by", "template"),
        ),
    ),
    queries=QUERIES,
    mutations=MUTATIONS,
    types=(Invoice, TaxInvoiceForm),
    routes=add_routes,
)
