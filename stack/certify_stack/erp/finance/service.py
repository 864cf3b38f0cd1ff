"""Invoices, payments and what customers owe."""

from certify_stack.erp.finance import ledger_operations, operations
from certify_stack.erp.finance.books import ENTITIES
from certify_stack.erp.finance.bulk_routes import add_routes
from certify_stack.erp.finance.graphql_types import Invoice, Payment
from certify_stack.erp.finance.ledger_types import JournalEntry
from certify_stack.kit.model import Service

SERVICE = Service(
    name="finance",
    description="Invoices, payments and accounts, kept as events.",
    entities=ENTITIES,
    queries=operations.QUERIES + ledger_operations.QUERIES,
    mutations=operations.MUTATIONS + ledger_operations.MUTATIONS,
    types=(Invoice, Payment, JournalEntry),
    routes=add_routes,
)
