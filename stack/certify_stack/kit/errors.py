"""Errors that a caller may see. Everything else is masked and logged."""

from collections.abc import Mapping

import asyncpg
from graphql import GraphQLError


class DomainError(GraphQLError):
    """A refusal with a stable code in ``extensions.code``."""

    code = "DOMAIN"

    def __init__(self, message: str, **more: str | bool) -> None:
        super().__init__(message, extensions={"code": self.code, **more})


class ForbiddenError(DomainError):
    """The caller's roles do not allow the operation."""

    code = "FORBIDDEN"


class InvalidInputError(DomainError):
    """A value breaks a rule that the type system cannot express."""

    code = "BAD_USER_INPUT"


class NotFoundError(DomainError):
    """The thing that a command names does not exist."""

    code = "NOT_FOUND"


class ConflictError(DomainError):
    """The state moved on, or another row has the same unique value."""

    code = "CONFLICT"


class UnavailableError(DomainError):
    """A part that the operation needs does not answer."""

    code = "UNAVAILABLE"


class DependencyUnavailableError(DomainError):
    """Another service that the operation needs does not answer; nothing was written, and trying again may help."""

    code = "DEPENDENCY_UNAVAILABLE"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} is needed for this and does not answer", service=service, retryable=True)


CONFLICTS: Mapping[type[Exception], str] = {
    asyncpg.UniqueViolationError: "another entry already has this unique value",
    asyncpg.ForeignKeyViolationError: "the entry is referred to, or refers to an entry that does not exist",
}
REJECTED = (asyncpg.CheckViolationError, asyncpg.NotNullViolationError, asyncpg.DataError)
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # Said of a connection that the server ended at the very moment at which it was used.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)


def is_away(error: BaseException) -> bool:
    """Whether the database is away, so that the same thing may succeed later; not so for a value that it refuses."""
    if isinstance(error, UnavailableError):
        return True
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


def translate(error: BaseException) -> DomainError | None:
    """Return what a caller may know of an error, or None when it is ours alone."""
    if isinstance(error, DomainError):
        return error
    for kind, message in CONFLICTS.items():
        if isinstance(error, kind):
            return ConflictError(message)
    if isinstance(error, REJECTED):
        return InvalidInputError("a value is outside of what the field may hold")
    return UnavailableError("the database does not answer") if isinstance(error, AWAY) else None
