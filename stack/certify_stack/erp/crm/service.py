"""Customers, their contacts and what may become of them."""

from certify_stack.erp.catalog import COUNTRY, CURRENCY, CUSTOMER, EMPLOYEE
from certify_stack.erp.tax_numbers import check_bin, check_tin
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
    "CustomerStatus",
    "Where a customer stands.",
    {"PROSPECT": "Has not bought yet.", "ACTIVE": "Buys.", "BLOCKED": "May not buy at present."},
)
STAGE = Choice(
    "OpportunityStage",
    "How far a possible sale has come.",
    {"QUALIFIED": "There is a need.", "PROPOSED": "An offer was made.", "WON": "It was sold.", "LOST": "It was not."},
)

SERVICE = Service(
    name="crm",
    description="Customers, contacts and opportunities.",
    entities=(
        Entity(
            name="Customer",
            plural="Customers",
            table="customer",
            description=CUSTOMER.description,
            fields=(
                text("name", "Name as printed on documents.", sample="Customer {}"),
                text("email", "Address for invoices.", sample="customer{}@example.org"),
                text("phone", "Telephone number.", max_length=30, required=False, sample="+88017{:08d}"),
                text(
                    "tax_number",
                    "Taxpayer's Identification Number (TIN), 12 digits.",
                    max_length=30,
                    required=False,
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
                choice("status", "Where it stands.", STATUS),
                decimal("credit_limit", "The most that it may owe."),
                foreign("currency", CURRENCY, "The currency in which it is billed."),
                foreign("country", COUNTRY, "Where it is.", required=False),
            ),
            children=(Children("contacts", "Contact", "customer", "People to talk to."),),
            filters=("status", "currency", "country"),
        ),
        Entity(
            name="Contact",
            plural="Contacts",
            table="contact",
            description="A person at a customer.",
            access=Access(delete=STAFF),
            fields=(
                local("customer", "Customer", "The customer the person works for."),
                text("name", "Full name.", sample="Contact {}"),
                text("email", "Mail address.", sample="contact{}@example.org"),
            ),
            filters=("customer",),
        ),
        Entity(
            name="Opportunity",
            plural="Opportunities",
            table="opportunity",
            description="A sale that may come about.",
            fields=(
                local("customer", "Customer", "Who may buy."),
                text("title", "What may be sold.", sample="Opportunity {}"),
                choice("stage", "How far it has come.", STAGE),
                decimal("expected_amount", "What it may bring, in the customer's currency."),
                day("expected_on", "When it may be decided.", required=False),
                foreign("owner", EMPLOYEE, "Who looks after it."),
            ),
            filters=("customer", "owner", "stage"),
        ),
    ),
)
