"""What finance keeps besides invoices and payments: its chart of accounts and where its money lies."""

from certify_stack.erp.catalog import COMPANY, CURRENCY
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
from certify_stack.kit.roles import ADMINS, BOOKKEEPERS, REVIEWERS

KEEPERS = Access(read=BOOKKEEPERS | REVIEWERS, create=BOOKKEEPERS, update=BOOKKEEPERS, delete=ADMINS)

ACCOUNT_KIND = Choice(
    "LedgerAccountKind",
    "On which side of the books an account stands.",
    {
        "ASSET": "What the company has.",
        "LIABILITY": "What the company owes.",
        "INCOME": "What came in by trade.",
        "EXPENSE": "What was spent.",
    },
)

ENTITIES = (
    Entity(
        name="LedgerAccount",
        plural="LedgerAccounts",
        table="ledger_account",
        description="An account of the chart of accounts.",
        access=KEEPERS,
        fields=(
            text("code", "Number in the chart.", max_length=20, sample="{:05d}"),
            text("name", "What is booked there.", sample="Account {}"),
            choice("kind", "On which side it stands.", ACCOUNT_KIND),
            integer("position", "Place in printed books."),
        ),
        children=(Children("bank_accounts", "BankAccount", "ledger_account", "Bank accounts booked there."),),
        filters=("kind",),
    ),
    Entity(
        name="BankAccount",
        plural="BankAccounts",
        table="bank_account",
        description="An account of the company at a bank.",
        access=KEEPERS,
        fields=(
            text("number", "Number at the bank, as IBAN where there is one.", max_length=34, sample="BD{:014d}"),
            local("ledger_account", "LedgerAccount", "Where it is booked."),
            foreign("company", COMPANY, "Whose account it is."),
            foreign("currency", CURRENCY, "The currency in which it is kept."),
            decimal("overdraft_limit", "How far it may be overdrawn."),
            day("opened_on", "When it was opened.", required=False),
            boolean("active", "Whether it is used."),
        ),
        filters=("company", "currency", "ledger_account"),
    ),
)
