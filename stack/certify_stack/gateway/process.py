"""How the gateway is started: command line and configuration file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from certify_stack.erp import AUTH, JWKS_PATH
from certify_stack.gateway.node import NodeError, find_node

BUNDLE = Path(__file__).parent / "gateway.mjs"
# The same, to write the image of a process of (see `embedded.snapshot`).
IMAGE_BUNDLE = BUNDLE.with_name("gateway.cjs")
# Without a cap the heap grows to 340 MB in a minute of load; with this one 130 MB serve as fast.
HEAP = ("--max-old-space-size=160", "--max-semi-space-size=8")


@dataclass(frozen=True)
class Subgraph:
    """One service as the gateway sees it: GraphQL address, readiness probe, schema."""

    name: str
    url: str
    ready: str
    sdl: str


def command(configuration: Path, image: Path | None = None) -> list[str]:
    """The command line of a gateway with this configuration file, which starts from an image when there is one.

    Raises:
        NodeError: There is no Node, or the bundle was not built.
    """
    if not BUNDLE.is_file():
        raise NodeError(
            f"{BUNDLE.name} was not built: install certify from its wheel, or anew with  pip install --editable ."
        )
    program = str(BUNDLE) if image is None else f"--snapshot-blob={image}"
    return [str(find_node()), *HEAP, program, str(configuration)]


def image_writer(node: Path, image: Path, configuration: Path) -> list[str]:
    """The command line that writes the image of a gateway with the subgraphs of this configuration file."""
    return [str(node), *HEAP, f"--snapshot-blob={image}", "--build-snapshot", str(IMAGE_BUNDLE), str(configuration)]


def environment() -> dict[str, str]:
    """What Node sees: nothing of ours, so that a NODE_OPTIONS of the caller changes nothing."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}


def configuration(
    subgraphs: Iterable[Subgraph],
    jwt: dict[str, Any],
    *,
    listen: tuple[str, int] = ("127.0.0.1", 0),
    listener: int | None = None,
    cache: Path | None = None,
) -> str:
    """The configuration file's text.

    Args:
        subgraphs: What it composes.
        jwt: `publicKey` (PEM), `issuer`, `audience`, `algorithm`. Newer keys are asked for at the subgraph auth.
        listen: Address and port that it listens on; port 0 lets the system choose.
        listener: The descriptor of a listening socket that the process inherits, instead of these.
        cache: Folder where it keeps what it composed, for the next start with the same subgraphs.
    """
    where: dict[str, Any] = {"host": listen[0], "port": listen[1]} if listener is None else {"listener": listener}
    if cache is not None:
        where["cache"] = str(cache)
    composed = tuple(subgraphs)
    auth = next((subgraph for subgraph in composed if subgraph.name == AUTH), None)
    trusted = jwt | {"jwksUrl": urljoin(auth.url, JWKS_PATH)} if auth else jwt
    return json.dumps({**where, "subgraphs": [asdict(subgraph) for subgraph in composed], "jwt": trusted})
