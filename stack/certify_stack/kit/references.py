"""References to entities of other services: their owners are asked whether they exist, before anything is written."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from certify_stack.kit.client import CallError, Client, RefusedError
from certify_stack.kit.errors import DependencyUnavailableError, DomainError, NotFoundError
from certify_stack.kit.model import Entity, Foreign

log = logging.getLogger(__name__)

# The type name alone: whoever answers this has no reason to ask anybody else.
EXIST = "query References($r: [_Any!]!) { _entities(representations: $r) { __typename } }"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a client gave: the name of the input field, and the entity that it names."""

    field: str
    target: Foreign
    key: UUID


class References:
    """Asks owners about references; those whose address is not known are not asked."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def asked(self, references: Iterable[Reference]) -> list[Reference]:
        """Return those whose owner can be asked."""
        return [reference for reference in references if reference.target.service in self.client.urls]

    async def check(self, references: Iterable[Reference]) -> None:
        """Ask all owners at once, each in one request.

        Raises:
            NotFoundError: An owner has no such entity; the error names the field.
            DependencyUnavailableError: An owner did not give an answer; nothing may be written.
        """
        by_owner: dict[str, list[Reference]] = {}
        for reference in self.asked(references):
            by_owner.setdefault(reference.target.service, []).append(reference)
        found = await asyncio.gather(*(self._missing(owner, given) for owner, given in by_owner.items()))
        wrong = [error for error in found if error is not None]
        if wrong:
            # What is certainly wrong goes before what may be well.
            raise next((error for error in wrong if isinstance(error, NotFoundError)), wrong[0])

    async def _missing(self, owner: str, given: Sequence[Reference]) -> DomainError | None:
        keys = list(dict.fromkeys((reference.target.name, reference.key) for reference in given))
        representations = [{"__typename": name, "id": str(key)} for name, key in keys]
        try:
            data = await self.client.graphql(owner, EXIST, {"r": representations})
            answers = dict(zip(keys, data.get("_entities") or (), strict=True))
        except (CallError, ValueError) as error:
            level = logging.ERROR if isinstance(error, RefusedError) else logging.WARNING
            log.log(level, "reference not checked", extra={"dependency": owner, "cause": str(error)})
            return DependencyUnavailableError(owner)
        for reference in given:
            if answers[reference.target.name, reference.key] is None:
                name = reference.target.name
                return NotFoundError(f"{reference.field}: there is no {name} with this id", field=reference.field)
        return None


def references_of(entity: Entity, values: Mapping[str, Any]) -> list[Reference]:
    """Return the references to other services among column values."""
    return [
        Reference(camel(field.column), field.target, values[field.column])
        for field in entity.fields
        if isinstance(field.target, Foreign) and values.get(field.column) is not None
    ]


def camel(name: str) -> str:
    """Return ``customer_id`` as GraphQL clients write it: ``customerId``."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
