"""Strawberry types of declared entities, built into a module of their own for each service.

Strawberry resolves forward references in the module of the class that holds them, so the types of a service share
one module; two services never see each other's.
"""

import datetime as dt
import decimal
import enum
import functools
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from certify_stack.kit.model import Children, Choice, Entity, Field, Foreign, Kind, Service, by_name, lower_first
from certify_stack.kit.runtime import Context
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.store import Store

Info = strawberry.Info[Context, None]

PRIVATE: Any = strawberry.Private[object]
STUB_KEY = Key(fields=FieldSet("id"), resolvable=False)

PLAIN: Mapping[Kind, type] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.DECIMAL: decimal.Decimal,
    Kind.BOOLEAN: bool,
    Kind.DATE: dt.date,
    Kind.INSTANT: dt.datetime,
}


def annotated(function: Callable[..., Any], module: str, returns: Any, **parameters: Any) -> Callable[..., Any]:
    """Give a closure the annotations and the home that Strawberry reads."""
    function.__annotations__ = {**parameters, "return": returns}
    function.__module__ = module
    return function


class TypeBuilder:
    """Makes the types of one service."""

    def __init__(self, service: Service) -> None:
        self.module = types.ModuleType(f"{service.package}.graphql_types", f"GraphQL types of {service.name}.")
        sys.modules[self.module.__name__] = self.module
        self.entities = by_name(service.entities)
        self.stores = {entity.name: Store(entity) for entity in service.entities}
        # Types written by hand come first: a stub among them serves declared references too.
        self.types: dict[str, Any] = {}
        for made in service.types:
            self.add(made.__name__, made)
        for entity in service.entities:
            self._object(entity)

    def add(self, name: str, value: Any) -> Any:
        """Put a type into the service's module."""
        setattr(self.module, name, value)
        self.types[name] = value
        return value

    def returning(self, resolver: Callable[..., Any], returns: str) -> Callable[..., Any]:
        """Return a resolver written by hand with a return annotation in terms of this service's types."""
        name = returns.removesuffix(" | None")
        hint = self.types[name] if name == returns else self.types[name] | None

        @functools.wraps(resolver)
        async def bound(*args: Any, **kwargs: Any) -> Any:
            return await resolver(*args, **kwargs)

        bound.__annotations__ = {**resolver.__annotations__, "return": hint}
        bound.__signature__ = inspect.signature(resolver).replace(return_annotation=hint)  # type: ignore[attr-defined]
        return bound

    def stub(self, target: Foreign) -> Any:
        """Return the type that stands for an entity of another service: its key, and nothing to resolve."""
        if target.name in self.types:
            return self.types[target.name]
        body = {
            "__annotations__": {"id": strawberry.ID},
            "__module__": self.module.__name__,
            "id": strawberry.field(description="The key."),
        }
        made = strawberry.federation.type(type(target.name, (), body), description=target.description, keys=[STUB_KEY])
        return self.add(target.name, made)

    def enumeration(self, choice: Choice) -> Any:
        """Return the enum type of a choice."""
        if choice.name in self.types:
            return self.types[choice.name]
        if choice.made is not None:
            return self.add(choice.name, choice.made)
        values = {name: strawberry.enum_value(name, description=text) for name, text in choice.values.items()}
        made = enum.Enum(choice.name, values, module=self.module.__name__)  # type: ignore[misc]
        return self.add(choice.name, strawberry.enum(made, description=choice.description))

    def input_type(self, field: Field) -> Any:
        """Return the type by which a client gives the field."""
        if field.kind in {Kind.LOCAL, Kind.FOREIGN}:
            return strawberry.ID
        if field.choice is not None:
            return self.enumeration(field.choice)
        return PLAIN[field.kind]

    def input_object(self, entity: Entity, *, update: bool) -> Any:
        """Return the input of ``create`` (all required fields) or of ``update`` (only what changes)."""
        name = f"{entity.name}{'Update' if update else 'Create'}Input"
        hints: dict[str, Any] = {}
        body: dict[str, Any] = {"__annotations__": hints, "__module__": self.module.__name__}
        for field in entity.fields:
            if not field.writable:
                continue
            optional = update or not field.required
            hint = self.input_type(field)
            hints[field.column] = hint | None if optional else hint
            default = {"default": strawberry.UNSET} if optional else {}
            body[field.column] = strawberry.field(description=field.description, **default)
        verb = "Changes to" if update else "A new"
        made = strawberry.input(type(name, (), body), description=f"{verb} {entity.name}. {entity.description}")
        return self.add(name, made)

    def _object(self, entity: Entity) -> None:
        hints: dict[str, Any] = {"id": strawberry.ID}
        body: dict[str, Any] = {
            "__annotations__": hints,
            "__module__": self.module.__name__,
            "id": strawberry.field(description="The key."),
        }
        for field in entity.fields:
            self._output(field, hints, body)
        for children in entity.children:
            body[children.name] = self._children(children)
        for name, text in (("created_at", "When the entry was made."), ("updated_at", "When it last changed.")):
            hints[name] = dt.datetime
            body[name] = strawberry.field(description=text)
        body["resolve_reference"] = classmethod(self._reference(entity))
        made = strawberry.federation.type(type(entity.name, (), body), description=entity.description, keys=["id"])
        self.add(entity.name, made)

    def _output(self, field: Field, hints: dict[str, Any], body: dict[str, Any]) -> None:
        if field.kind is Kind.LOCAL:
            hints[field.column] = PRIVATE
            body[field.name] = self._local(field)
            return
        hint = self.stub(field.target) if isinstance(field.target, Foreign) else self.input_type(field)
        hints[field.name] = hint if field.required else hint | None
        body[field.name] = strawberry.field(description=field.description)

    def _local(self, field: Field) -> Any:
        target = str(field.target)
        column = field.column

        async def resolve(root: Any, info: Info) -> Any:
            key = getattr(root, column)
            return None if key is None else await self.load(info.context, target, key)

        hint = f"{target}" if field.required else f"{target} | None"
        resolver = annotated(resolve, self.module.__name__, hint, root=Any, info=Info)
        return strawberry.field(resolver=resolver, description=field.description)

    def _children(self, children: Children) -> Any:
        entity, column = children.entity, f"{children.via}_id"

        async def resolve(root: Any, info: Info) -> Any:
            return await self.load_children(info.context, entity, column, UUID(root.id))

        resolver = annotated(resolve, self.module.__name__, f"list[{entity}]", root=Any, info=Info)
        return strawberry.field(resolver=resolver, description=f"{children.description} The first 100.")

    def _reference(self, entity: Entity) -> Callable[..., Any]:
        operation = f"Query.{lower_first(entity.name)}"

        async def resolve_reference(_cls: type, id: str, info: Info) -> Any:  # noqa: A002 - the key's name
            info.context.require(operation, entity.access.read)
            return await self.load(info.context, entity.name, parse_id(id))

        return resolve_reference

    async def load(self, context: Context, name: str, key: UUID) -> Any:
        """Return one entity by id, or None; reads of one request are gathered."""

        async def many(keys: list[UUID]) -> list[Any]:
            rows = await self.stores[name].by_ids(context.database, keys)
            return [self.row(name, rows[key]) if key in rows else None for key in keys]

        return await context.loader(name, many).load(key)

    async def load_children(self, context: Context, name: str, column: str, parent: UUID) -> Any:
        """Return the entities that refer to ``parent``; reads of one request are gathered."""

        async def many(parents: list[UUID]) -> list[Any]:
            rows = await self.stores[name].children(context.database, column, parents)
            return [[self.row(name, row) for row in rows[parent]] for parent in parents]

        return await context.loader(f"{name}.{column}", many).load(parent)

    def row(self, name: str, row: Any) -> Any:
        """Return a row as an instance of its type."""
        values = {"id": str(row["id"]), "created_at": row["created_at"], "updated_at": row["updated_at"]}
        for field in self.entities[name].fields:
            value = row[field.column]
            if isinstance(field.target, Foreign):
                values[field.name] = None if value is None else self.types[field.target.name](id=str(value))
            else:
                values[field.column] = value
        return self.types[name](**values)


def argument(hint: Any, description: str, name: str | None = None) -> Any:
    """Return an argument's annotation with its description."""
    return Annotated[hint, strawberry.argument(description=description, name=name)]
