"""Who did what and when: an append-only chain of entries."""

from certify_stack.erp import CONSUMES
from certify_stack.erp.audit.operations import QUERIES, AuditEntry, User
from certify_stack.erp.audit.recording import record
from certify_stack.erp.audit.retention import ENTITIES
from certify_stack.kit.model import Service, Subscription

SERVICE = Service(
    name="audit",
    description="What was done, by whom, to what.",
    entities=ENTITIES,
    queries=QUERIES,
    types=(AuditEntry, User),
    subscription=Subscription(services=CONSUMES["audit"], handle=record),
)
