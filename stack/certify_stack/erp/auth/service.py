"""Users, their roles and their log-ins."""

from dataclasses import replace

from certify_stack.erp.auth.operations import MUTATIONS, QUERIES, ROLE
from certify_stack.erp.auth.routes import add_routes
from certify_stack.erp.catalog import EMPLOYEE, USER
from certify_stack.kit.model import Access, Choice, Entity, Service, boolean, choice, foreign, local, text
from certify_stack.kit.roles import ADMINS, EVERYONE, REVIEWERS

OUTCOME = Choice(
    "LoginOutcome",
    "How a log-in ended.",
    {"ACCEPTED": "A token was given.", "REFUSED": "Name or password was wrong, or the user is not active."},
)

SERVICE = Service(
    name="auth",
    description="Users, roles and tokens.",
    entities=(
        Entity(
            name="User",
            plural="Users",
            table="app_user",
            description=USER.description,
            access=Access(read=EVERYONE, create=None, update=ADMINS, delete=None),
            fields=(
                replace(
                    text("username", "The name to log in with.", max_length=80, sample="user-{:03d}"), writable=False
                ),
                text("display_name", "The name that others see.", sample="User {}"),
                choice("role", "What the user may be.", ROLE),
                boolean("active", "Whether the user may log in."),
                foreign("employee", EMPLOYEE, "The employee who uses it.", required=False),
            ),
            filters=("role", "employee"),
        ),
        Entity(
            name="LoginAttempt",
            plural="LoginAttempts",
            table="login_attempt",
            description="One try to log in.",
            access=Access(read=REVIEWERS, create=None, update=None, delete=None),
            fields=(
                local("user", "User", "The user, when there is one of that name.", required=False),
                text("username", "The name that was given.", sample="user-{:03d}"),
                choice("outcome", "How it ended.", OUTCOME),
            ),
            filters=("user", "outcome"),
        ),
    ),
    queries=QUERIES,
    mutations=MUTATIONS,
    routes=add_routes,
)
