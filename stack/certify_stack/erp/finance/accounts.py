"""The aggregate CustomerAccount: what a customer may owe in one currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

from certify_stack.erp.finance.events import CreditLimitChanged, CustomerAccountOpened, Event
from certify_stack.kit.errors import ConflictError

ACCOUNTS = UUID("0b4b8f0a-8f0a-5b3f-8a52-3f6f3d5b7c02")
# All but the first eight digits of an id.
LOW = (1 << 96) - 1


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """The state that decisions need; without a limit the customer may owe anything."""

    version: int
    credit_limit: Decimal | None


def account_id(customer_id: UUID, currency: str) -> UUID:
    """Return the stream of an account: there is one for each customer and currency."""
    return UUID(int=customer_id.int ^ (uuid5(ACCOUNTS, currency).int & LOW))


def set_limit(
    account: CustomerAccount | None, customer_id: UUID, currency: str, limit: Decimal | None
) -> CustomerAccountOpened | CreditLimitChanged:
    """Open the account with a limit, or give it another one."""
    if account is None:
        return CustomerAccountOpened(customer_id, currency, limit)
    return CreditLimitChanged(customer_id, currency, limit)


def check_credit(account: CustomerAccount | None, owed: Decimal, more: Decimal) -> None:
    """Refuse what would make a customer owe more than it may.

    Raises:
        ConflictError: The limit would be passed.
    """
    if account is not None and account.credit_limit is not None and owed + more > account.credit_limit:
        raise ConflictError(f"the customer would owe {owed + more}, and may owe {account.credit_limit}")


def replay(events: Iterable[Event]) -> CustomerAccount | None:
    """Return the state after all events of the account; None when it was never opened."""
    account: CustomerAccount | None = None
    for version, event in enumerate(events, 1):
        if not isinstance(event, CustomerAccountOpened | CreditLimitChanged):
            raise TypeError(f"{type(event).__name__} is no event of a customer's account")
        account = CustomerAccount(version, event.credit_limit)
    return account
