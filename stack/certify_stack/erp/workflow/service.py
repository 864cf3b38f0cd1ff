"""Approvals: definitions, instances and the tasks of people."""

from certify_stack.erp.catalog import EMPLOYEE, USER
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    Service,
    boolean,
    choice,
    foreign,
    instant,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS

STATE = Choice(
    "WorkflowState",
    "How far a case has come.",
    {"OPEN": "Somebody must act.", "APPROVED": "Everybody agreed.", "REJECTED": "Somebody refused."},
)

SERVICE = Service(
    name="workflow",
    description="Workflow definitions, running cases and tasks of people.",
    entities=(
        Entity(
            name="WorkflowDefinition",
            plural="WorkflowDefinitions",
            table="workflow_definition",
            description="The steps that a kind of case takes.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("code", "Unique name.", max_length=60, sample="flow-{:03d}"),
                integer("steps", "How many approvals it asks for.", minimum=1),
                boolean("active", "Whether new cases may follow it."),
            ),
        ),
        Entity(
            name="WorkflowCase",
            plural="WorkflowCases",
            table="workflow_case",
            description="One thing that goes through the steps of a definition.",
            fields=(
                local("definition", "WorkflowDefinition", "The steps it takes."),
                text("subject", "What is to be approved.", sample="case {}"),
                foreign("started_by", USER, "Who started it."),
                choice("state", "How far it has come.", STATE),
            ),
            children=(Children("tasks", "WorkflowTask", "case", "What people have to do for it."),),
            filters=("definition", "started_by", "state"),
        ),
        Entity(
            name="WorkflowTask",
            plural="WorkflowTasks",
            table="workflow_task",
            description="One approval that one person gives or refuses.",
            fields=(
                local("case", "WorkflowCase", "What it is about."),
                foreign("assignee", EMPLOYEE, "Who has to act."),
                integer("step", "Which step of the definition it is.", minimum=1),
                choice("state", "What was decided.", STATE),
                instant("decided_at", "When it was decided.", required=False),
            ),
            filters=("case", "assignee"),
        ),
    ),
)
