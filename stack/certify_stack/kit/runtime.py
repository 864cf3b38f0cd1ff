"""What lives as long as the process, and what lives as long as one request."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from certify_stack.kit import outbox
from certify_stack.kit.client import Client
from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import ForbiddenError
from certify_stack.kit.model import Service
from certify_stack.kit.observe import Metrics
from certify_stack.kit.public_keys import PublicKeys
from certify_stack.kit.references import References
from certify_stack.kit.revocations import Revocations
from certify_stack.kit.roles import Roles
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import Principal, Verifier
from certify_stack.kit.tracing import Tracing

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Runtime:
    """The parts of one running service."""

    service: Service
    settings: Settings
    database: Database
    metrics: Metrics
    tracing: Tracing
    verifier: Verifier
    keys: PublicKeys
    revocations: Revocations
    client: Client
    references: References
    entities: Callable[["Context", str, UUID], Awaitable[Any]]
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """One GraphQL request: who calls, and what it has loaded."""

    runtime: Runtime
    principal: Principal
    loaders: dict[str, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.runtime.database

    async def entity(self, name: str, key: UUID) -> Any:
        """Return a declared entity by id, or None."""
        return await self.runtime.entities(self, name, key)

    async def record(self, connection: Connection, *events: outbox.Event) -> None:
        """Write what the caller did into the outbox, in the transaction in which it is done."""
        await outbox.record(connection, self.runtime.service.name, self.principal.subject, events)

    def require(self, operation: str, roles: Roles) -> None:
        """Refuse the caller unless one of its roles may do this.

        Raises:
            ForbiddenError: None of them may.
        """
        if self.principal.roles.isdisjoint(roles):
            fields = {"operation": operation, "actor": self.principal.subject}
            log.warning("refused", extra=fields)
            raise ForbiddenError(f"{operation} is not allowed for your roles")

    def loader(self, name: str, load: Callable[[list[Any]], Any]) -> DataLoader[Any, Any]:
        """Return the request's loader of that name, which gathers single reads into one statement."""
        found = self.loaders.get(name)
        if found is None:
            found = self.loaders[name] = DataLoader(load_fn=load)
        return found
