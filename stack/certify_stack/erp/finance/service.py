"""Invoices, payments and what customers owe."""

from starlette.applications import Starlette

from certify_stack.erp.finance import bulk_routes, ledger_operations, operations, sums_routes
from certify_stack.erp.finance.books import ENTITIES
from certify_stack.erp.finance.graphql_types import Invoice, Payment
from certify_stack.erp.finance.ledger_types import JournalEntry
from certify_stack.kit.model import Service
from certify_stack.kit.runtime import Runtime


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add what other services ask for over plain HTTP."""
    bulk_routes.add_routes(app, runtime)
    sums_routes.add_routes(app, runtime)


SERVICE = Service(
    name="finance",
    description="Invoices, payments and accounts, kept as events.",
    entities=ENTITIES,
    queries=operations.QUERIES + ledger_operations.QUERIES,
    mutations=operations.MUTATIONS + ledger_operations.MUTATIONS,
    types=(Invoice, Payment, JournalEntry),
    routes=add_routes,
)
