"""What import-export does with files that come as texts of a GraphQL request."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import strawberry

from certify_stack.erp.import_export import intake
from certify_stack.kit.client import CallError
from certify_stack.kit.errors import DependencyUnavailableError
from certify_stack.kit.model import Operation
from certify_stack.kit.roles import BOOKKEEPERS
from certify_stack.kit.types import Info


async def import_invoices(
    info: Info,
    name: Annotated[str, strawberry.argument(description="Name of the file.")],
    csv: Annotated[str, strawberry.argument(description="What is in it; see the format of imports.")],
) -> Any:
    """Import a small file; larger ones go to ``POST /imports``."""
    try:
        taken = await intake.take(info.context, name, _parts(csv))
    except CallError as error:
        raise DependencyUnavailableError("file-storage") from error
    return await info.context.entity("ImportJob", taken.id)


async def _parts(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


MUTATIONS = (
    Operation(
        name="importInvoices",
        description="Import a small CSV file of invoices; the same content again has no further effect.",
        resolver=import_invoices,
        roles=BOOKKEEPERS,
        returns="ImportJob",
    ),
)
