"""Projects, their tasks and the hours spent on them."""

from certify_stack.erp.catalog import CUSTOMER, EMPLOYEE, INVOICE, PROJECT
from certify_stack.kit.model import (
    Access,
    Children,
    Choice,
    Entity,
    Service,
    choice,
    day,
    decimal,
    foreign,
    local,
    text,
)
from certify_stack.kit.roles import STAFF

STATUS = Choice(
    "ProjectStatus",
    "How far a project has come.",
    {"PLANNED": "Not begun.", "RUNNING": "Under way.", "CLOSED": "At its end."},
)
TASK_STATUS = Choice(
    "ProjectTaskStatus",
    "How far a task has come.",
    {"TO_DO": "Not begun.", "DOING": "Somebody works on it.", "DONE": "At its end."},
)

SERVICE = Service(
    name="project-management",
    description="Projects, tasks and time sheets.",
    entities=(
        Entity(
            name="Project",
            plural="Projects",
            table="project",
            description=PROJECT.description,
            fields=(
                text("code", "Short name.", max_length=20, sample="P-{:04d}"),
                text("name", "What people call the project.", sample="Project {}"),
                choice("status", "How far it has come.", STATUS),
                foreign("customer", CUSTOMER, "For whom it is done.", required=False),
                foreign("manager", EMPLOYEE, "Who leads it."),
                decimal("budget", "What it may cost."),
                day("due_on", "When it should end.", required=False),
            ),
            children=(Children("tasks", "ProjectTask", "project", "Its tasks."),),
            filters=("customer", "manager", "status"),
        ),
        Entity(
            name="ProjectTask",
            plural="ProjectTasks",
            table="project_task",
            description="A piece of work in a project.",
            access=Access(delete=STAFF),
            fields=(
                local("project", "Project", "The project."),
                text("title", "What is to be done.", sample="Task {}"),
                choice("status", "How far it has come.", TASK_STATUS),
                foreign("assignee", EMPLOYEE, "Who does it.", required=False),
            ),
            filters=("project", "assignee", "status"),
        ),
        Entity(
            name="TimeEntry",
            plural="TimeEntries",
            table="time_entry",
            description="Hours that an employee spent on a task.",
            access=Access(delete=STAFF),
            fields=(
                local("task", "ProjectTask", "The task."),
                foreign("employee", EMPLOYEE, "Who worked."),
                foreign("invoice", INVOICE, "The invoice that bills it.", required=False),
                day("worked_on", "The day."),
                decimal("hours", "Hours, with two decimals."),
            ),
            filters=("task", "employee", "invoice"),
        ),
    ),
)
