"""A service page to a Federation 2 subgraph: guarded queries and mutations over the declared entities."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    AddValidationRules,
    FieldExtension,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.extensions.query_depth_limiter import create_validator
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from certify_stack.kit.errors import NotFoundError
from certify_stack.kit.model import Entity, Operation, Service, lower_first
from certify_stack.kit.outbox import entity_event
from certify_stack.kit.references import references_of
from certify_stack.kit.roles import Roles
from certify_stack.kit.runtime import Context
from certify_stack.kit.scalars import DECIMAL, parse_id
from certify_stack.kit.store import Store
from certify_stack.kit.types import Info, TypeBuilder, annotated, argument
from certify_stack.kit.values import check_page, column_value, column_values

MAX_TOKENS = 2000
CACHED_DOCUMENTS = 256

# One rule class for all requests: the validation cache compares rules by identity.
DEPTH_RULE = create_validator(12, None)

EXTENSIONS: tuple[Callable[[], SchemaExtension], ...] = (
    lambda: MaxTokensLimiter(MAX_TOKENS),
    lambda: AddValidationRules([DEPTH_RULE]),
    lambda: ParserCache(CACHED_DOCUMENTS),
    lambda: ValidationCache(CACHED_DOCUMENTS),
)


class Guard(FieldExtension):
    """Refuses callers whose roles do not allow the operation, before its resolver runs."""

    def __init__(self, operation: str, roles: Roles) -> None:
        self._operation = operation
        self._roles = roles

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        """Check, then go on."""
        info.context.require(self._operation, self._roles)
        return await next_(source, info, **kwargs)


class Subgraph(Schema):
    """The schema of one service; the endpoint logs what went wrong, so Strawberry does not."""

    builder: TypeBuilder

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Leave errors to the endpoint."""


def build_schema(service: Service) -> Subgraph:
    """Return the executable subgraph of a service page."""
    builder = TypeBuilder(service)
    operations = SchemaOperations(builder)
    for entity in service.entities:
        operations.entity(entity)
    for operation in service.queries:
        operations.add("Query", operation)
    for operation in service.mutations:
        operations.add("Mutation", operation)
    subgraph = Subgraph(
        query=operations.root("Query", "Everything that can be asked."),
        mutation=operations.root("Mutation", "Everything that can be changed.")
        if operations.fields["Mutation"]
        else None,
        types=[*(builder.types[entity.name] for entity in service.entities), *service.types],
        extensions=EXTENSIONS,
        federation_version="2.9",
        config=StrawberryConfig(scalar_map={Decimal: DECIMAL}, disable_field_suggestions=True),
    )
    subgraph.builder = builder
    return subgraph


class SchemaOperations:
    """Collects the root fields of one service; each is guarded by construction."""

    def __init__(self, builder: TypeBuilder) -> None:
        self.builder = builder
        self.fields: dict[str, dict[str, Any]] = {"Query": {}, "Mutation": {}}

    def add(self, kind: str, operation: Operation) -> None:
        """Add one root field behind its guard.

        Raises:
            ValueError: Two operations have the same name.
        """
        if operation.name in self.fields[kind]:
            raise ValueError(f"{kind}.{operation.name} is declared twice")
        if operation.returns is not None:
            operation = replace(operation, resolver=self.builder.returning(operation.resolver, operation.returns))
        self.fields[kind][operation.name] = strawberry.field(
            resolver=operation.resolver,
            name=operation.name,
            description=operation.description,
            extensions=[Guard(f"{kind}.{operation.name}", operation.roles)],
        )

    def root(self, kind: str, description: str) -> Any:
        """Return the root type with all fields added so far."""
        body = {**self.fields[kind], "__module__": self.builder.module.__name__}
        return strawberry.type(type(kind, (), body), description=description)

    def entity(self, entity: Entity) -> None:
        """Add the reads of an entity, and those changes that its access declares."""
        access = entity.access
        self._made(
            "Query", lower_first(entity.name), f"One {entity.name} by id, or null.", self._one(entity), access.read
        )
        self._made(
            "Query",
            lower_first(entity.plural),
            f"A page of entries of {entity.name}, newest first.",
            self._page(entity),
            access.read,
        )
        for verb, roles, make, text in (
            ("create", access.create, self._create, f"Add an entry of {entity.name}."),
            ("update", access.update, self._update, f"Change fields of one {entity.name}."),
            ("delete", access.delete, self._delete, f"Remove one {entity.name} that nothing refers to."),
        ):
            if roles is not None:
                self._made("Mutation", f"{verb}{entity.name}", text, make(entity), roles)

    def _made(self, kind: str, name: str, description: str, resolver: Callable[..., Any], roles: Roles) -> None:
        self.add(kind, Operation(name=name, description=description, resolver=resolver, roles=roles))

    def _bind(self, function: Callable[..., Any], returns: Any, **parameters: Any) -> Callable[..., Any]:
        return annotated(function, self.builder.module.__name__, returns, info=Info, **parameters)

    def _one(self, entity: Entity) -> Callable[..., Any]:
        async def resolve(info: Info, id: str) -> Any:  # noqa: A002 - the argument's name in the schema
            return await self.builder.load(info.context, entity.name, parse_id(id))

        key = argument(strawberry.ID, f"The key of the {entity.name}.")
        return self._bind(resolve, self.builder.types[entity.name] | None, id=key)

    def _page(self, entity: Entity) -> Callable[..., Any]:
        store = self.builder.stores[entity.name]
        filters = {field.column: field for field in entity.fields if field.name in entity.filters}

        async def resolve(info: Info, limit: int, offset: int, where: Any = None) -> Any:
            check_page(limit, offset)
            wanted = {
                column: column_value(field, value)
                for column, field in filters.items()
                if (value := getattr(where, column, strawberry.UNSET)) is not strawberry.UNSET
            }
            rows = await store.page(info.context.database, wanted, limit, offset)
            return [self.builder.row(entity.name, row) for row in rows]

        parameters: dict[str, Any] = {
            "limit": argument(int, "How many entries at most, 1 to 100."),
            "offset": argument(int, "How many entries to pass over, at most 100000."),
        }
        if filters:
            parameters["where"] = argument(self._where(entity, filters), "Only entries that equal all of these.")
            resolve.__defaults__ = (20, 0, None)
        else:
            resolve = _without_where(resolve)
        return self._bind(resolve, list.__class_getitem__(self.builder.types[entity.name]), **parameters)

    def _where(self, entity: Entity, filters: Mapping[str, Any]) -> Any:
        name = f"{entity.plural}Where"
        hints: dict[str, Any] = {}
        body: dict[str, Any] = {"__annotations__": hints, "__module__": self.builder.module.__name__}
        for column, field in filters.items():
            hints[column] = self.builder.input_type(field) | None
            body[column] = strawberry.field(description=field.description, default=strawberry.UNSET)
        made = strawberry.input(type(name, (), body), description=f"What entries of {entity.name} must equal.")
        return self.builder.add(name, made) | None

    def _create(self, entity: Entity) -> Callable[..., Any]:
        store = self.builder.stores[entity.name]

        async def resolve(info: Info, input: Any) -> Any:  # noqa: A002 - the argument's name in the schema
            values = column_values(entity, input)
            await info.context.runtime.references.check(references_of(entity, values))
            async with info.context.database.transaction() as connection:
                row = await store.insert(connection, values)
                await info.context.record(connection, entity_event(entity, "Created", row))
            return self.builder.row(entity.name, row)

        given = argument(self.builder.input_object(entity, update=False), "The new entry.")
        return self._bind(resolve, self.builder.types[entity.name], input=given)

    def _update(self, entity: Entity) -> Callable[..., Any]:
        store = self.builder.stores[entity.name]

        async def resolve(info: Info, id: str, input: Any) -> Any:  # noqa: A002 - the arguments' names in the schema
            key, values = parse_id(id), column_values(entity, input)
            await self._check_changed(info.context, store, key, values)
            async with info.context.database.transaction() as connection:
                row = await store.update(connection, key, values)
                if row is None:
                    raise NotFoundError(f"there is no {entity.name} with this id")
                await info.context.record(connection, entity_event(entity, "Updated", row))
            return self.builder.row(entity.name, row)

        key = argument(strawberry.ID, f"The key of the {entity.name}.")
        given = argument(self.builder.input_object(entity, update=True), "What changes.")
        return self._bind(resolve, self.builder.types[entity.name], id=key, input=given)

    @staticmethod
    async def _check_changed(context: Context, store: Store, key: UUID, values: Mapping[str, Any]) -> None:
        """Ask the owners about references that the change sets to something else; what stands already may stay."""
        references = context.runtime.references
        if not references.asked(references_of(store.entity, values)):
            return
        row = (await store.by_ids(context.database, [key])).get(key)
        if row is not None:
            changed = {column: value for column, value in values.items() if value != row[column]}
            await references.check(references_of(store.entity, changed))

    def _delete(self, entity: Entity) -> Callable[..., Any]:
        store = self.builder.stores[entity.name]

        async def resolve(info: Info, id: str) -> bool:  # noqa: A002 - the argument's name in the schema
            async with info.context.database.transaction() as connection:
                row = await store.delete(connection, parse_id(id))
                if row is None:
                    raise NotFoundError(f"there is no {entity.name} with this id")
                await info.context.record(connection, entity_event(entity, "Deleted", row))
            return True

        return self._bind(resolve, bool, id=argument(strawberry.ID, f"The key of the {entity.name}."))


def _without_where(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Return the page resolver without its filter argument."""

    async def plain(info: Info, limit: int = 20, offset: int = 0) -> Any:
        return await resolve(info, limit, offset)

    return plain
