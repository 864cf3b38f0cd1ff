"""How long entries about a kind of thing must be kept."""

from certify_stack.erp.catalog import USER
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    boolean,
    choice,
    day,
    decimal,
    foreign,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS, REVIEWERS

REVIEWED = Access(read=REVIEWERS, create=ADMINS, update=ADMINS, delete=ADMINS)

FINDING_STATE = Choice(
    "FindingState",
    "How far a finding has come.",
    {"OPEN": "Nobody has answered.", "ANSWERED": "The owner has answered.", "CLOSED": "The auditor agreed."},
)

ENTITIES = (
    Entity(
        name="RetentionRule",
        plural="RetentionRules",
        table="retention_rule",
        description="How long entries about a kind of thing are kept.",
        access=REVIEWED,
        fields=(
            text("subject_type", "The kind of thing.", max_length=80, sample="Type{}"),
            integer("keep_days", "How many days at least.", minimum=1),
            boolean("legal_hold", "Whether nothing may be removed at present."),
            foreign("set_by", USER, "Who decided it."),
        ),
        children=(Children("findings", "AuditFinding", "retention_rule", "Findings about the rule."),),
        filters=("set_by",),
    ),
    Entity(
        name="AuditFinding",
        plural="AuditFindings",
        table="audit_finding",
        description="Something that an auditor found.",
        access=REVIEWED,
        fields=(
            text("title", "What was found.", sample="Finding {}"),
            choice("state", "How far it has come.", FINDING_STATE),
            local("retention_rule", "RetentionRule", "The rule that it is about.", required=False),
            foreign("auditor", USER, "Who found it."),
            decimal("amount", "What is at stake.", required=False),
            day("answer_by", "When an answer is due.", required=False),
        ),
        filters=("auditor", "state", "retention_rule"),
    ),
)
