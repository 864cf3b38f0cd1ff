"""Jobs that run at set times, and their runs."""

from certify_stack.erp.catalog import USER
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
from certify_stack.kit.roles import ADMINS, MACHINES

OUTCOME = Choice(
    "RunOutcome",
    "How a run ended.",
    {"RUNNING": "It has not ended.", "SUCCEEDED": "It did all its work.", "FAILED": "It stopped with an error."},
)

SERVICE = Service(
    name="scheduler",
    description="Jobs with their schedule, and every run of them.",
    entities=(
        Entity(
            name="Job",
            plural="Jobs",
            table="job",
            description="Work that is started at set times.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("name", "Unique name of the job.", max_length=120, sample="job-{:03d}"),
                text(
                    "schedule", "When it runs, as a cron expression of five fields.", max_length=80, sample="{} * * * *"
                ),
                text("target", "The service that does the work.", max_length=80, sample="service-{}"),
                foreign("owner", USER, "Who answers for it."),
                boolean("enabled", "Whether it runs."),
            ),
            children=(Children("runs", "JobRun", "job", "Runs of this job."),),
            filters=("owner",),
        ),
        Entity(
            name="JobRun",
            plural="JobRuns",
            table="job_run",
            description="One run of a job.",
            access=Access(create=MACHINES, update=MACHINES),
            fields=(
                local("job", "Job", "The job that ran."),
                choice("outcome", "How it ended.", OUTCOME),
                instant("started_at", "When it started."),
                instant("finished_at", "When it ended.", required=False),
                integer("attempt", "Which attempt it was.", minimum=1),
                text("detail", "What it says of itself.", max_length=2000, required=False, sample="run {}"),
            ),
            filters=("job", "outcome"),
        ),
    ),
)
