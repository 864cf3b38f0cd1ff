"""The check at the desk: subgraphs as files, and no stack."""

from pathlib import Path

from certify.api import Check, CheckConfig, Context, Duration
from certify_checks.federation import files
from certify_checks.federation.look import FederationConfig, look
from certify_checks.federation.model import FederationSeen
from certify_checks.federation.rules import of_schemas


class DeskConfig(CheckConfig, frozen=True):
    """Where the schemas are.

    Attributes:
        subgraphs: folder of SDL files, one a subgraph and named after it.
        baseline: the schema that clients rely on: a supergraph or a public schema, as a file or as `git:REVISION:PATH`.
        operations: file or folder of operations that clients send: `*.graphql`, or a log in `*.jsonl`, a line an object with
            `query` and `client`.
        second_engine: folder in which `@apollo/composition` and `graphql` are installed: composes as well, and must agree.
        engine_time: until the composition engine counts as hanging, for each begun million characters of SDL.
    """

    subgraphs: Path
    baseline: str = ""
    operations: str = ""
    second_engine: str = ""
    engine_time: Duration = Duration("30 s")


async def observe(ctx: Context, config: DeskConfig) -> FederationSeen:
    """Read the files, and look at them as at those of a stack."""
    own = FederationConfig(
        engine_time=config.engine_time,
        baseline=config.baseline,
        operations=config.operations,
        second_engine=config.second_engine,
    )
    return await look(ctx, own, files.read(config.subgraphs))


CHECK = Check(
    id="federation",
    title="Subgraphs compose, are described, and break nobody",
    observe=observe,
    observation=FederationSeen,
    config=DeskConfig,
    budget=180.0,
    rules=of_schemas(),
)
