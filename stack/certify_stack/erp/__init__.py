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
