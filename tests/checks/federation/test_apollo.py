"""A foreign stack: two subgraphs made with `@apollo/subgraph`, in both colours. npm fetches the package, so only at night."""

import shutil
import subprocess
from asyncio import run
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Outcome, Ruling
from certify_checks.federation.check import CHECK
from certify_checks.federation.look import FederationConfig
from certify_checks.federation.runtime import bundled_node

pytestmark = pytest.mark.nightly

SOURCES = Path(__file__).with_name("apollo")
LIMITS = {"errors": "== 0", "untried": "== 0", "described": "== 100 %", "unresolved": "== 0", "unexercised": "== 0"}
ASKED = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})


@pytest.fixture(scope="module")
def installed(npm_install: Callable[[Path], Path]) -> Path:
    """A folder in which the server can run."""
    return npm_install(SOURCES)


@contextmanager
def serving(folder: Path, broken: str) -> Iterator[str]:
    command = [str(bundled_node() or shutil.which("node")), "server.mjs", broken]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def judged(installed: Path, context: Callable[..., Context], broken: str = "") -> dict[str, Ruling]:
    with serving(installed, broken) as address:
        # Products stand in for the gateway: what is wanted of one are its ids.
        ctx = context({name: f"{address}/{name}" for name in ("products", "reviews")}, f"{address}/products")
        seen = run(CHECK.observe(replace(ctx, stack=replace(ctx.stack, disposable=True)), FederationConfig()))
    return {rule.id: rule.judge(seen, ASKED) for rule in CHECK.rules if rule.id in {"composes", "documented", "keys"}}


def test_apollo_subgraphs_compose_are_described_and_resolve(installed: Path, context: Callable[..., Context]):
    told = judged(installed, context)
    assert told["composes"].outcome is Outcome.PASS, told["composes"]
    assert told["documented"].outcome is Outcome.PASS, told["documented"]
    # Nobody tells the ids of reviews, so their key stays untried, which is no pass.
    assert (told["keys"].outcome, told["keys"].reason) == (Outcome.INCONCLUSIVE, "keys-untried")
    assert "Review in reviews" in told["keys"].summary


def test_an_apollo_entity_that_is_never_found_is_told(installed: Path, context: Callable[..., Context]):
    keys = judged(installed, context, "entity")["keys"]
    assert [(finding.code, finding.location.service) for finding in keys.findings] == [("entity-null", "products")]
