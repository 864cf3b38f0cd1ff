"""A load that goes to two stacks in turns: the certified one, and a peer that it is compared with."""

import shutil
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from certify.api import Context
from certify_checks.load.config import LoadConfig, Shape
from certify_checks.load.generator.tally import CALIBRATION, REQUEST_COLUMNS, REQUESTS, write
from certify_checks.load.model import OperationSeen
from certify_checks.load.observing.plan import plan
from certify_checks.load.observing.reading import SUMMARY, read, rows_of
from certify_checks.load.observing.unusable import UnusableError

PEER = "peer"


async def with_peer(ctx: Context, config: LoadConfig, shape: Shape, planned: dict[str, Any]) -> dict[str, Any]:
    """The plan with each operation once more, for the peer: which of both a request goes to is drawn like the operation.

    Raises:
        UnusableError: there is no such peer, nobody can log in there, or a value is not found.
    """
    if not config.compare:
        return planned
    peer = ctx.stack.peers.get(config.compare)
    if peer is None or peer.gateway is None or not peer.gateway.url:
        known = ", ".join(sorted(ctx.stack.peers)) or "none"
        raise UnusableError("no-peer", f"no stack {config.compare!r} with a gateway is up beside this one; up: {known}")
    other = await plan(replace(ctx, stack=peer), config, shape, peer.gateway)
    own = [operation | {"values": planned["values"]} for operation in planned["operations"]]
    theirs = [operation | {"values": other["values"]} for operation in other["operations"]]
    return planned | {"operations": own + theirs}


def apart(folder: Path, names: list[str]) -> tuple[OperationSeen, ...]:
    """Take the peer's requests out of the files of a load, so that all others see the certified stack alone.

    Args:
        folder: the generator's files; the peer's are left in one below.
        names: operations, as for `reading.read`.
    """
    rows = rows_of(folder / REQUESTS)
    mine = [row for row in rows if int(row["operation"]) < len(names)]
    theirs = [row | {"operation": number} for row in rows if (number := int(row["operation"]) - len(names)) >= 0]
    below = folder / PEER
    below.mkdir()
    for name in (SUMMARY, CALIBRATION):
        shutil.copyfile(folder / name, below / name)
    for path, kept in ((folder / REQUESTS, mine), (below / REQUESTS, theirs)):
        write(path, REQUEST_COLUMNS, (tuple(row[column] for column in REQUEST_COLUMNS) for row in kept))
    operations, _, _ = read(below, names)
    return operations
