"""Recording, reading and proving audit entries."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from certify_stack.erp.audit.chain import GENESIS, Entry, digest, first_broken
from certify_stack.erp.catalog import USER
from certify_stack.kit.database import Connection
from certify_stack.kit.model import Operation
from certify_stack.kit.roles import MACHINES, REVIEWERS
from certify_stack.kit.scalars import check_instant, check_text, parse_id
from certify_stack.kit.types import Info
from certify_stack.kit.values import check_page

READERS = REVIEWERS | MACHINES
CHAIN_LOCK = 7_301
COLUMNS = (
    "id, sequence, event_id, service, action, subject_type, subject_id, actor, occurred_at, trace_id, detail, "
    "recorded_at, previous_link, link"
)
SELECT = f"SELECT {COLUMNS} FROM audit_entry "  # noqa: S608 - constant names
INSERT = f"""
    INSERT INTO audit_entry (sequence, event_id, service, action, subject_type, subject_id, actor, occurred_at,
        trace_id, detail, previous_link, link)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {COLUMNS}
"""  # noqa: S608 - constant names


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


@strawberry.input(description="Something that was done and must be remembered.")
class AuditEntryInput:
    """A new entry."""

    event_id: strawberry.ID = strawberry.field(description="The event; recording it twice gives one entry.")
    service: str = strawberry.field(description="The service in which it happened.")
    action: str = strawberry.field(description="What was done, such as InvoiceIssued.")
    subject_type: str = strawberry.field(description="The kind of thing it was done to.")
    subject: strawberry.ID = strawberry.field(description="The key of the thing it was done to.")
    actor: str = strawberry.field(description="Who did it: a user's id or a service's name.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    trace_id: str | None = strawberry.field(description="The trace of the request that did it.", default=None)
    detail: str | None = strawberry.field(description="What else is known of it, as JSON.", default=None)


def _user(actor: str) -> User | None:
    try:
        return User(id=strawberry.ID(str(UUID(actor))))
    except ValueError:
        return None


def _entry(given: AuditEntryInput, sequence: int) -> Entry:
    return Entry(
        sequence=sequence,
        event_id=parse_id(given.event_id, "eventId"),
        service=check_text(given.service, "service", 80),
        action=check_text(given.action, "action", 120),
        subject_type=check_text(given.subject_type, "subjectType", 80),
        subject_id=parse_id(given.subject, "subject"),
        actor=check_text(given.actor, "actor", 200),
        occurred_at=check_instant(given.occurred_at, "occurredAt"),
        trace_id=None if given.trace_id is None else check_text(given.trace_id, "traceId", 64),
        detail=None if given.detail is None else check_text(given.detail, "detail", 8000),
    )


async def append(connection: Connection, given: AuditEntryInput) -> Any:
    """Add an entry to the chain, or return the one that recorded the same event; call it in a transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", CHAIN_LOCK)
    known = await connection.fetchrow(SELECT + "WHERE event_id = $1", parse_id(given.event_id, "eventId"))
    if known is not None:
        return known
    last = await connection.fetchrow("SELECT sequence, link FROM audit_entry ORDER BY sequence DESC LIMIT 1")
    previous = last["link"] if last else GENESIS
    entry = _entry(given, last["sequence"] + 1 if last else 1)
    fields = (getattr(entry, name) for name in Entry.__struct_fields__)
    return await connection.fetchrow(INSERT, *fields, previous, digest(previous, entry))


async def load(info: Info, key: UUID) -> Any:
    """Return an entry by id, or None; reads of one request are gathered."""

    async def many(keys: list[UUID]) -> list[AuditEntry | None]:
        rows = await info.context.database.fetch(SELECT + "WHERE id = ANY($1::uuid[])", keys)
        found = {row["id"]: AuditEntry.of(row) for row in rows}
        return [found.get(key) for key in keys]

    return await info.context.loader("AuditEntry", many).load(key)


async def record_audit_entry(
    info: Info,
    input: Annotated[AuditEntryInput, strawberry.argument(description="What was done.")],  # noqa: A002 - the schema's name
) -> AuditEntry:
    """Append one entry."""
    async with info.context.database.transaction() as connection:
        return AuditEntry.of(await append(connection, input))


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
MUTATIONS = (
    Operation(
        name="recordAuditEntry", description="Record something done.", resolver=record_audit_entry, roles=MACHINES
    ),
)
