"""Companies of the group, their branches and departments."""

from certify_stack.erp.catalog import BRANCH, COMPANY, COUNTRY, CURRENCY, DEPARTMENT, EMPLOYEE
from certify_stack.erp.tax_numbers import check_bin, check_tin
from certify_stack.kit.model import Access, Children, Entity, Service, decimal, foreign, local, text
from certify_stack.kit.roles import ADMINS

ADMINISTERED = Access(create=ADMINS, update=ADMINS)

SERVICE = Service(
    name="organization",
    description="Companies, branches and departments.",
    entities=(
        Entity(
            name="Company",
            plural="Companies",
            table="company",
            description=COMPANY.description,
            access=ADMINISTERED,
            fields=(
                text("name", "Registered name.", sample="Company {}"),
                text(
                    "tax_number",
                    "Taxpayer's Identification Number (TIN), 12 digits.",
                    max_length=30,
                    sample="{:012d}",
                    rule=check_tin,
                ),
                text(
                    "bin",
                    "Business Identification Number (BIN), 13 digits.",
                    max_length=30,
                    required=False,
                    sample="{:013d}",
                    rule=check_bin,
                ),
                foreign("country", COUNTRY, "Where it is registered."),
                foreign("currency", CURRENCY, "The currency of its books."),
            ),
            children=(
                Children("branches", "Branch", "company", "Its places of business."),
                Children("departments", "Department", "company", "Its departments."),
            ),
            filters=("country", "currency"),
        ),
        Entity(
            name="Branch",
            plural="Branches",
            table="branch",
            description=BRANCH.description,
            access=ADMINISTERED,
            fields=(
                text("code", "Short name, unique in the group.", max_length=20, sample="BR-{:03d}"),
                text("name", "What people call the branch.", sample="Branch {}"),
                text("city", "Where the branch is.", sample="City {}"),
                local("company", "Company", "The company it belongs to."),
                foreign("country", COUNTRY, "Where it is."),
            ),
            filters=("company", "country"),
        ),
        Entity(
            name="Department",
            plural="Departments",
            table="department",
            description=DEPARTMENT.description,
            access=ADMINISTERED,
            fields=(
                text("name", "What people call the department.", sample="Department {}"),
                local("company", "Company", "The company it belongs to."),
                foreign("head", EMPLOYEE, "Who leads it.", required=False),
                decimal("budget", "Budget of the year in the company's currency."),
            ),
            filters=("company", "head"),
        ),
    ),
)
