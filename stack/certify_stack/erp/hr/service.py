"""Employees, their contracts and absences."""

from certify_stack.erp.catalog import CURRENCY, DEPARTMENT, EMPLOYEE, USER
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
from certify_stack.kit.roles import ADMINS, BOOKKEEPERS, EVERYONE, REVIEWERS, STAFF

KIND = Choice(
    "AbsenceKind",
    "Why somebody is away.",
    {"HOLIDAY": "Paid leave.", "SICKNESS": "Illness.", "UNPAID": "Leave without pay."},
)

SERVICE = Service(
    name="hr",
    description="Employees, employment contracts and absences.",
    entities=(
        Entity(
            name="Employee",
            plural="Employees",
            table="employee",
            description=EMPLOYEE.description,
            access=Access(read=EVERYONE, create=ADMINS, update=ADMINS),
            fields=(
                text("number", "Personnel number.", max_length=20, sample="E{:05d}"),
                text("name", "Full name.", sample="Employee {}"),
                text("email", "Mail address at work.", sample="employee{}@example.org"),
                day("hired_on", "First day of work."),
                foreign("department", DEPARTMENT, "The department the person works in."),
                foreign("user", USER, "The log-in of the person.", required=False),
                local("manager", "Employee", "Whom the person reports to.", required=False),
            ),
            children=(Children("absences", "Absence", "employee", "Absences of the person."),),
            filters=("department", "manager", "user"),
        ),
        Entity(
            name="EmploymentContract",
            plural="EmploymentContracts",
            table="employment_contract",
            description="What was agreed with an employee.",
            access=Access(read=REVIEWERS | BOOKKEEPERS, create=ADMINS, update=ADMINS),
            fields=(
                local("employee", "Employee", "The employee."),
                decimal("monthly_salary", "Gross pay for a month."),
                foreign("currency", CURRENCY, "The currency of the pay."),
                day("valid_from", "First day on which it holds."),
                day("valid_until", "Last day on which it holds.", required=False),
            ),
            filters=("employee", "currency"),
        ),
        Entity(
            name="Absence",
            plural="Absences",
            table="absence",
            description="Days on which an employee is away.",
            access=Access(read=STAFF, delete=STAFF),
            fields=(
                local("employee", "Employee", "Who is away."),
                choice("kind", "Why.", KIND),
                day("first_day", "First day away."),
                day("last_day", "Last day away."),
            ),
            filters=("employee", "kind"),
        ),
    ),
)
