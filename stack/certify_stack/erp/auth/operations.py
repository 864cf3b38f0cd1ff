"""What auth does with users besides what its page declares."""

import asyncio
import logging
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from certify_stack.erp.auth.accounts import put_credential
from certify_stack.erp.auth.passwords import Digest, check_strength, hash_password, matches
from certify_stack.erp.auth.sessions import Ending, end_all, revoke
from certify_stack.kit.errors import ForbiddenError, NotFoundError
from certify_stack.kit.model import Choice, Operation
from certify_stack.kit.outbox import Event
from certify_stack.kit.roles import ADMINS, EVERYONE, Role
from certify_stack.kit.scalars import check_text, parse_id
from certify_stack.kit.types import Info

log = logging.getLogger(__name__)

PUT_USER = "INSERT INTO app_user (username, display_name, role, active) VALUES ($1, $2, $3, TRUE) RETURNING id"

ROLE_TEXTS = {
    Role.ADMIN: "May do everything.",
    Role.ACCOUNTANT: "Keeps the books.",
    Role.CLERK: "Enters customers, orders and invoices.",
    Role.AUDITOR: "Reads, and changes nothing.",
    Role.SERVICE: "Another service of the stack.",
}


@strawberry.enum(description="What a user may be.")
class UserRole(Enum):
    """Role names as GraphQL knows them; the values are those that the database and tokens hold."""

    ADMIN = strawberry.enum_value("admin", description=ROLE_TEXTS[Role.ADMIN])
    ACCOUNTANT = strawberry.enum_value("accountant", description=ROLE_TEXTS[Role.ACCOUNTANT])
    CLERK = strawberry.enum_value("clerk", description=ROLE_TEXTS[Role.CLERK])
    AUDITOR = strawberry.enum_value("auditor", description=ROLE_TEXTS[Role.AUDITOR])
    SERVICE = strawberry.enum_value("service", description=ROLE_TEXTS[Role.SERVICE])


ROLE = Choice("UserRole", "What a user may be.", {str(role): text for role, text in ROLE_TEXTS.items()}, UserRole)


@strawberry.input(description="A new user.")
class NewUserInput:
    """A new user."""

    username: str = strawberry.field(description="The name to log in with, unique.")
    display_name: str = strawberry.field(description="The name that others see.")
    role: UserRole = strawberry.field(description="What the user may be.")
    password: str = strawberry.field(description="The first password, 12 to 128 characters.")


async def create_user(
    info: Info,
    input: Annotated[NewUserInput, strawberry.argument(description="The new user.")],  # noqa: A002 - the schema's name
) -> Any:
    """Add a user with a password."""
    check_strength(input.password)
    username = check_text(input.username, "username", 80)
    display_name = check_text(input.display_name, "displayName", 200)
    digest = await asyncio.to_thread(hash_password, input.password)
    async with info.context.database.transaction() as connection:
        about = {"username": username, "display_name": display_name, "role": input.role.value}
        key = await connection.fetchval(PUT_USER, *about.values())
        await put_credential(connection, key, digest)
        made = Event(type="UserCreated", subject=key, subject_type="User", data=about | {"active": True})
        await info.context.record(connection, made)
    log.info("user created", extra={"actor": info.context.principal.subject, "user": key})
    return await info.context.entity("User", key)


async def change_password(
    info: Info,
    current: Annotated[str, strawberry.argument(description="The password that holds now.")],
    new: Annotated[str, strawberry.argument(description="The password that shall hold, 12 to 128 characters.")],
) -> bool:
    """Change the caller's own password; the caller's other log-ins end."""
    check_strength(new)
    try:
        key = UUID(info.context.principal.subject)
    except ValueError as error:
        raise NotFoundError("a service has no password") from error
    row = await info.context.database.fetchrow("SELECT salt, digest, n, r, p FROM credential WHERE user_id = $1", key)
    if row is None:
        raise NotFoundError("the caller has no password")
    if not await asyncio.to_thread(matches, current, Digest(**dict(row))):
        raise ForbiddenError("the current password is wrong")
    digest = await asyncio.to_thread(hash_password, new)
    async with info.context.database.transaction() as connection:
        await put_credential(connection, key, digest)
        await info.context.record(connection, Event(type="PasswordChanged", subject=key, subject_type="User", data={}))
        own = info.context.principal.session
        ended = await end_all(connection, key, str(key), Ending.PASSWORD, UUID(own) if own else None)
    revoke(info.context.runtime.revocations, ended)
    log.info("password changed", extra={"actor": key})
    return True


async def end_sessions(
    info: Info,
    user_id: Annotated[strawberry.ID, strawberry.argument(description="Whose log-ins end.")],
) -> int:
    """End all log-ins of a user, as when a device is lost or an account is closed; returns how many."""
    key = parse_id(user_id)
    async with info.context.database.transaction() as connection:
        if await connection.fetchval("SELECT id FROM app_user WHERE id = $1", key) is None:
            raise NotFoundError("there is no such user")
        ended = await end_all(connection, key, info.context.principal.subject, Ending.ADMIN)
    revoke(info.context.runtime.revocations, ended)
    log.info("sessions ended", extra={"actor": info.context.principal.subject, "user": key, "count": len(ended)})
    return len(ended)


async def me(info: Info) -> Any:
    """Return the user who asks."""
    try:
        key = UUID(info.context.principal.subject)
    except ValueError:
        return None
    return await info.context.entity("User", key)


QUERIES = (Operation(name="me", description="The user who asks.", resolver=me, roles=EVERYONE, returns="User | None"),)
MUTATIONS = (
    Operation(name="createUser", description="Add a user.", resolver=create_user, roles=ADMINS, returns="User"),
    Operation(
        name="changePassword", description="Change the caller's password.", resolver=change_password, roles=EVERYONE
    ),
    Operation(
        name="endSessions",
        description="End all log-ins of a user; says how many there were.",
        resolver=end_sessions,
        roles=ADMINS,
    ),
)
