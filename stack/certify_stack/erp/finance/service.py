"""Invoices, payments and what customers owe."""

from certify_stack.erp.finance.books import ENTITIES
from certify_stack.erp.finance.graphql_types import Invoice, Payment
from certify_stack.erp.finance.operations import MUTATIONS, QUERIES
from certify_stack.kit.model import Service

SERVICE = Service(
    name="finance",
    description="Invoices, payments and accounts, kept as events.",
    entities=ENTITIES,
    queries=QUERIES,
    mutations=MUTATIONS,
    types=(Invoice, Payment),
)
