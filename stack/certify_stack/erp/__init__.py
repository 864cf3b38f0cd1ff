"""The ERP of 18 services."""

SERVICES = (
    "auth",
    "master-data",
    "notification",
    "configuration",
    "scheduler",
    "document-generator",
    "import-export",
    "file-storage",
    "audit",
    "workflow",
    "rules-engine",
    "organization",
    "finance",
    "crm",
    "hr",
    "project-management",
    "scm",
    "inventory",
)

AUTH, JWKS_PATH = "auth", "/.well-known/jwks.json"
"""Who publishes the keys that verify tokens, and where."""

CONSUMES: dict[str, tuple[str, ...]] = {
    "audit": SERVICES,
    "notification": ("auth", "finance", "import-export"),
}
"""Services that take events of others, and whose. Dead-letter topics are made for these."""
