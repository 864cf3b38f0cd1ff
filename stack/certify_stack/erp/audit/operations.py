"""Reading and proving audit entries."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from certify_stack.erp.audit.chain import Entry, first_broken
from certify_stack.erp.catalog import USER
from certify_stack.kit.model import Operation
from certify_stack.kit.roles import MACHINES, REVIEWERS
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.types import Info
from certify_stack.kit.values import check_page

READERS = REVIEWERS | MACHINES
COLUMNS = (
    "id, sequence, event_id, service, action, subject_type, subject_id, actor, occurred_at, trace_id, detail, "
    "recorded_at, previous_link, link"
)
SELECT = f"SELECT {COLUMNS} FROM audit_entry "  # noqa: S608 - constant names


@strawberry.federation.type(description=USER.description, keys=[Key(fields=FieldSet("id"), resolvable=False)])
class User:
    """The stub of a user of auth."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.federation.type(description="What somebody did, when and to what; never changed.", keys=["id"])
class AuditEntry:
    """One link of the chain."""

    id: strawberry.ID = strawberry.field(description="The key.")
    sequence: int = strawberry.field(description="Place in the chain, from 1, without gaps.")
    event_id: strawberry.ID = strawberry.field(description="The event that is recorded; recorded once.")
    service: str = strawberry.field(description="The service in which it happened.")
    action: str = strawberry.field(description="What was done, such as InvoiceIssued.")
    subject_type: str = strawberry.field(description="The kind of thing it was done to.")
    subject: strawberry.ID = strawberry.field(description="The key of the thing it was done to.")
    actor: User | None = strawberry.field(description="The user who did it, when it was a user.")
    actor_name: str = strawberry.field(description="Who did it, as the token named them.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    trace_id: str | None = strawberry.field(description="The trace of the request that did it.")
    detail: str | None = strawberry.field(description="What else is known of it, as JSON.")
    previous_link: str = strawberry.field(description="The link of the entry before.")
    link: str = strawberry.field(description="SHA-256 over the previous link and this entry.")

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID, info: Info) -> Self | None:  # noqa: A002 - the key's name
        """Return the entry that another subgraph names."""
        info.context.require("Query.auditEntry", READERS)
        found: Self | None = await load(info, parse_id(id))
        return found

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return a row as an entry."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            sequence=row["sequence"],
            event_id=strawberry.ID(str(row["event_id"])),
            service=row["service"],
            action=row["action"],
            subject_type=row["subject_type"],
            subject=strawberry.ID(str(row["subject_id"])),
            actor=_user(row["actor"]),
            actor_name=row["actor"],
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            trace_id=row["trace_id"],
            detail=row["detail"],
            previous_link=row["previous_link"],
            link=row["link"],
        )


@strawberry.type(description="The state of the chain of audit entries.")
class AuditChain:
    """What a check of the whole chain found."""

    length: int = strawberry.field(description="How many entries it has.")
    intact: bool = strawberry.field(description="Whether every link fits.")
    first_broken: int | None = strawberry.field(description="Place of the first entry that does not fit.")


def _user(actor: str) -> User | None:
    try:
        return User(id=strawberry.ID(str(UUID(actor))))
    except ValueError:
        return None


async def load(info: Info, key: UUID) -> Any:
    """Return an entry by id, or None; reads of one request are gathered."""

    async def many(keys: list[UUID]) -> list[AuditEntry | None]:
        rows = await info.context.database.fetch(SELECT + "WHERE id = ANY($1::uuid[])", keys)
        found = {row["id"]: AuditEntry.of(row) for row in rows}
        return [found.get(key) for key in keys]

    return await info.context.loader("AuditEntry", many).load(key)


async def audit_entry(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The key of the entry.")],  # noqa: A002 - the schema's name
) -> AuditEntry | None:
    """Return one entry."""
    found: AuditEntry | None = await load(info, parse_id(id))
    return found


async def audit_entries(
    info: Info,
    subject: Annotated[strawberry.ID | None, strawberry.argument(description="Only entries of this thing.")] = None,
    limit: Annotated[int, strawberry.argument(description="How many entries at most, 1 to 100.")] = 20,
    offset: Annotated[int, strawberry.argument(description="How many entries to pass over, at most 100000.")] = 0,
) -> list[AuditEntry]:
    """Return entries, newest first."""
    check_page(limit, offset)
    wanted = None if subject is None else parse_id(subject, "subject")
    where = "" if wanted is None else "WHERE subject_id = $3 "
    query = f"{SELECT}{where}ORDER BY sequence DESC LIMIT $1 OFFSET $2"
    rows = await info.context.database.fetch(query, limit, offset, *([] if wanted is None else [wanted]))
    return [AuditEntry.of(row) for row in rows]


async def audit_chain(info: Info) -> AuditChain:
    """Check every link."""
    rows = await info.context.database.fetch(SELECT + "ORDER BY sequence")
    names = Entry.__struct_fields__
    broken = first_broken(
        (Entry(**{name: row[name] for name in names}), row["previous_link"], row["link"]) for row in rows
    )
    return AuditChain(length=len(rows), intact=broken is None, first_broken=broken)


QUERIES = (
    Operation(name="auditEntry", description="One audit entry by id, or null.", resolver=audit_entry, roles=READERS),
    Operation(name="auditEntries", description="Audit entries, newest first.", resolver=audit_entries, roles=READERS),
    Operation(name="auditChain", description="A check of every link.", resolver=audit_chain, roles=REVIEWERS),
)
