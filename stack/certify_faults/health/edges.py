"""Calls between services that go nowhere, to the wrong one, or that nobody knows of: overlays of single services."""

from collections.abc import Iterable

from starlette.applications import Starlette

from certify_stack.kit.client import Client
from certify_stack.kit.references import Reference, References
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings

MISSING, UNCALLED = "crm", "hr"
MISTAKEN, MEANT, CALLED_INSTEAD = "project-management", "crm", "scm"
CHATTY, UNDECLARED = "scheduler", "configuration"


def missing_edge(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service was not told the address of another that it refers to, so it never asks it."""
    del settings
    if service_name == MISSING:
        _runtime(app).client.urls.pop(UNCALLED)


def wrong_service(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service was told the address of another service than the one that it refers to."""
    del settings
    if service_name == MISTAKEN:
        urls = _runtime(app).client.urls
        urls[MEANT] = urls[CALLED_INSTEAD]


def undeclared_edge(app: Starlette, service_name: str, settings: Settings) -> None:
    """One service asks another that its design does not mention, whenever it checks references."""
    del settings
    if service_name == CHATTY:
        runtime = _runtime(app)
        runtime.references = _Chatty(runtime.client)


class _Chatty(References):
    """Asks one service more than it was built to."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)

    async def check(self, references: Iterable[Reference]) -> None:
        await super().check(references)
        await self.client.graphql(UNDECLARED, "{ __typename }", {})


def _runtime(app: Starlette) -> Runtime:
    runtime: Runtime = app.state.runtime
    return runtime
