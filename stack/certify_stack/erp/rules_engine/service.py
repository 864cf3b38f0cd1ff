"""Business rules and what they decided."""

from certify_stack.erp.catalog import COMPANY, USER
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    Service,
    boolean,
    choice,
    foreign,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS, MACHINES

ACTION = Choice(
    "RuleAction",
    "What a rule does when its condition holds.",
    {"ALLOW": "Lets the thing pass.", "REVIEW": "Asks a person.", "DENY": "Stops the thing."},
)

SERVICE = Service(
    name="rules-engine",
    description="Rule sets, rules and recorded decisions.",
    entities=(
        Entity(
            name="RuleSet",
            plural="RuleSets",
            table="rule_set",
            description="Rules that are tried in order.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("code", "Unique name.", max_length=60, sample="rules-{:03d}"),
                foreign("company", COMPANY, "The company for which it holds; absent: for all.", required=False),
                boolean("active", "Whether it is applied."),
            ),
            children=(Children("rules", "Rule", "rule_set", "Its rules."),),
            filters=("company",),
        ),
        Entity(
            name="Rule",
            plural="Rules",
            table="rule",
            description="A condition and what follows from it.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                local("rule_set", "RuleSet", "The set it belongs to."),
                integer("position", "Place in the order of the set.", minimum=1),
                text("condition", "The condition, such as amount > 1000.", max_length=1000, sample="amount > {}"),
                choice("action", "What it does.", ACTION),
            ),
            filters=("rule_set",),
        ),
        Entity(
            name="RuleDecision",
            plural="RuleDecisions",
            table="rule_decision",
            description="What a rule decided of one thing.",
            access=Access(create=MACHINES, update=None, delete=None),
            fields=(
                local("rule", "Rule", "The rule that decided."),
                text("subject", "What it decided on.", sample="subject {}"),
                choice("action", "What it decided.", ACTION),
                foreign("asked_by", USER, "On whose behalf it was asked.", required=False),
            ),
            filters=("rule", "asked_by"),
        ),
    ),
)
