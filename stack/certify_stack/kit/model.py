"""Declarations: what a service page says of its entities, fields, relations and permissions.

A page is data. ``certify_stack.kit.schema`` makes the subgraph of it, ``certify_stack.kit.store`` the statements,
and the service's migrations hold the same tables as explicit DDL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from certify_stack.kit.roles import ADMINS, EVERYONE, STAFF, Roles


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "timestamptz"
    CHOICE = "choice"
    LOCAL = "local reference"
    FOREIGN = "foreign reference"


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entity by its federation key, as every service but its owner sees it."""

    name: str
    service: str
    description: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An enumeration: name, description, and a description for each value; ``made`` when written by hand."""

    name: str
    description: str
    values: Mapping[str, str]
    made: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an entity. References are named without ``_id``; their column has it."""

    name: str
    description: str
    kind: Kind
    required: bool = True
    max_length: int = 200
    scale: int = 2
    minimum: int = 0
    choice: Choice | None = None
    target: Foreign | str | None = None
    sample: str | None = None
    writable: bool = True
    rule: Callable[[str, str], str] | None = None

    @property
    def column(self) -> str:
        """The column that holds the field."""
        return f"{self.name}_id" if self.kind in {Kind.LOCAL, Kind.FOREIGN} else self.name


@dataclass(frozen=True, slots=True)
class Children:
    """A list of entities of the same service that refer back by ``via``."""

    name: str
    entity: str
    via: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what with an entity. ``None``: the operation does not exist."""

    read: Roles = EVERYONE
    create: Roles | None = STAFF
    update: Roles | None = STAFF
    delete: Roles | None = ADMINS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of thing that the service owns: one table, one type with key ``id``."""

    name: str
    plural: str
    table: str
    description: str
    fields: tuple[Field, ...]
    access: Access = Access()
    children: tuple[Children, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A query or mutation written by hand; the kit guards it with ``roles``.

    ``returns`` is the annotation, in terms of declared entities, when the resolver gives one of those.
    """

    name: str
    description: str
    resolver: Callable[..., Any]
    roles: Roles
    returns: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Whose events a service takes, and what it does with each.

    ``handle`` gets a connection inside of the transaction that also notes the event as seen, and the event's envelope;
    it is called once for each event, in order for each subject.
    """

    services: tuple[str, ...]
    handle: Callable[[Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service page."""

    name: str
    description: str
    entities: tuple[Entity, ...] = ()
    queries: tuple[Operation, ...] = ()
    mutations: tuple[Operation, ...] = ()
    types: tuple[type, ...] = ()
    tasks: Mapping[str, Callable[[Any, Any], Awaitable[None]]] = field(default_factory=dict)
    routes: Callable[[Any, Any], None] | None = None
    subscription: Subscription | None = None

    @property
    def package(self) -> str:
        """The import name of the service's package."""
        return f"certify_stack.erp.{self.name.replace('-', '_')}"

    def permissions(self) -> dict[str, Roles]:
        """Return the whole permission table: operation as clients call it -> roles that may."""
        table = {}
        for entity in self.entities:
            table.update(_entity_permissions(entity))
        for operation in self.queries:
            table[f"Query.{operation.name}"] = operation.roles
        for operation in self.mutations:
            table[f"Mutation.{operation.name}"] = operation.roles
        return table


def lower_first(name: str) -> str:
    """Return ``StockItem`` as ``stockItem``."""
    return name[:1].lower() + name[1:]


def _entity_permissions(entity: Entity) -> dict[str, Roles]:
    access = entity.access
    table = {
        f"Query.{lower_first(entity.name)}": access.read,
        f"Query.{lower_first(entity.plural)}": access.read,
    }
    for verb, roles in (("create", access.create), ("update", access.update), ("delete", access.delete)):
        if roles is not None:
            table[f"Mutation.{verb}{entity.name}"] = roles
    return table


def text(  # noqa: PLR0913 - what a text may be told, all by name
    name: str,
    description: str,
    *,
    max_length: int = 200,
    required: bool = True,
    sample: str | None = None,
    rule: Callable[[str, str], str] | None = None,
) -> Field:
    """Declare a text.

    ``sample`` is a format of one number that gives valid, distinct values; ``rule`` takes a text and the field's name,
    and returns the text or raises InvalidInputError.
    """
    return Field(
        name=name,
        description=description,
        kind=Kind.TEXT,
        required=required,
        max_length=max_length,
        sample=sample,
        rule=rule,
    )


def integer(name: str, description: str, *, minimum: int = 0, required: bool = True) -> Field:
    """Declare a whole number from ``minimum`` to 2 147 483 647."""
    return Field(name=name, description=description, kind=Kind.INTEGER, minimum=minimum, required=required)


def decimal(name: str, description: str, *, scale: int = 2, required: bool = True) -> Field:
    """Declare an exact, non-negative number with ``scale`` decimals."""
    return Field(name=name, description=description, kind=Kind.DECIMAL, scale=scale, required=required)


def boolean(name: str, description: str) -> Field:
    """Declare a yes or no."""
    return Field(name=name, description=description, kind=Kind.BOOLEAN)


def day(name: str, description: str, *, required: bool = True) -> Field:
    """Declare a calendar date."""
    return Field(name=name, description=description, kind=Kind.DATE, required=required)


def instant(name: str, description: str, *, required: bool = True) -> Field:
    """Declare a point in time."""
    return Field(name=name, description=description, kind=Kind.INSTANT, required=required)


def choice(name: str, description: str, of: Choice) -> Field:
    """Declare one value of an enumeration."""
    return Field(name=name, description=description, kind=Kind.CHOICE, choice=of)


def local(name: str, target: str, description: str, *, required: bool = True) -> Field:
    """Declare a reference to an entity of the same service (a foreign key in the database)."""
    return Field(name=name, description=description, kind=Kind.LOCAL, target=target, required=required)


def foreign(name: str, target: Foreign, description: str, *, required: bool = True) -> Field:
    """Declare a reference to an entity of another service (its federation key)."""
    return Field(name=name, description=description, kind=Kind.FOREIGN, target=target, required=required)


def by_name(entities: Sequence[Entity]) -> dict[str, Entity]:
    """Index entities by their type name."""
    return {entity.name: entity for entity in entities}
