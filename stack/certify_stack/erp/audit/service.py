"""Who did what and when: an append-only chain of entries."""

from certify_stack.erp.audit.operations import MUTATIONS, QUERIES, AuditEntry, User
from certify_stack.erp.audit.retention import ENTITIES
from certify_stack.kit.model import Service

SERVICE = Service(
    name="audit",
    description="What was done, by whom, to what.",
    entities=ENTITIES,
    queries=QUERIES,
    mutations=MUTATIONS,
    types=(AuditEntry, User),
)
