"""The roles of the stack and the usual groups of them."""

from enum import StrEnum


class Role(StrEnum):
    """What a caller may be. A token carries one or several of these."""

    ADMIN = "admin"
    ACCOUNTANT = "accountant"
    CLERK = "clerk"
    AUDITOR = "auditor"
    SERVICE = "service"


Roles = frozenset[Role]

ADMINS: Roles = frozenset({Role.ADMIN})
EVERYONE: Roles = frozenset(Role)
STAFF: Roles = frozenset({Role.ADMIN, Role.ACCOUNTANT, Role.CLERK})
BOOKKEEPERS: Roles = frozenset({Role.ADMIN, Role.ACCOUNTANT})
REVIEWERS: Roles = frozenset({Role.ADMIN, Role.AUDITOR})
MACHINES: Roles = frozenset({Role.ADMIN, Role.SERVICE})
