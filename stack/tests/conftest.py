"""A service under test: its real application over its own, freshly migrated, real database."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite(
    "erp_away",
    "erp_border",
    "erp_broker",
    "erp_contract",
    "erp_documents",
    "erp_harness",
    "erp_references",
    "erp_tokens",
)

from erp_harness import Harness, scratch_database  # noqa: E402 - found through the path above

from certify_stack.erp import SERVICES  # noqa: E402 - as above
from certify_stack.erp.seed import seed  # noqa: E402 - as above
from certify_stack.kit.messages import topics  # noqa: E402 - as above
from certify_stack.kit.tokens import SigningKey, thumbprint  # noqa: E402 - as above

if TYPE_CHECKING:
    from certify_stack.embedded.kafka.server import KafkaServer


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the DSN, without database, of a real PostgreSQL: the one named by CERTIFY_TEST_PG, or one of our own."""
    given = os.environ.get("CERTIFY_TEST_PG")
    if given:
        yield given
        return
    from certify_stack.embedded import postgres

    with postgres.temporary() as own:
        yield own.dsn("postgres")


@pytest.fixture(scope="session")
def broker() -> Iterator["KafkaServer"]:
    """Give a real broker with the topics of all services; whoever disturbs it puts it right again."""
    from certify_stack.embedded.kafka import server as kafka

    with kafka.temporary(topics(SERVICES)) as own:
        yield own


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[SigningKey, Path]:
    private = rsa.generate_private_key(65537, 2048)
    path = tmp_path_factory.mktemp("keys") / "auth.pem"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return SigningKey(private, thumbprint(private.public_key())), path


@pytest.fixture(scope="module")
def erp(request: pytest.FixtureRequest, server: str, signing_key: tuple[SigningKey, Path]) -> Iterator[Harness]:
    """The service in whose folder the test lies, started, with sample rows in its tables."""
    name = request.path.parent.name
    with scratch_database(server, name) as dsn, Harness.running(name, dsn, *signing_key) as harness:
        harness.run(seed({name: dsn}))
        yield harness
