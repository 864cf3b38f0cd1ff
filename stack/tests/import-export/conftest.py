"""The services that an import needs, each on a real socket with a database of its own; whom they do not know is not asked."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from erp_harness import Harness, scratch_database, served

from certify_stack.erp.seed import seed
from certify_stack.kit import migrate
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import SigningKey

OTHERS = ("file-storage", "finance")


@dataclass
class Others:
    """Where the other services and their databases are, by name."""

    urls: dict[str, str]
    dsns: dict[str, str]


@pytest.fixture(scope="module")
def others(
    erp: Harness, server: str, signing_key: tuple[SigningKey, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Others]:
    """Let import-export reach file-storage and finance."""
    key, key_file = signing_key
    token = tmp_path_factory.mktemp("token") / "service.token"
    token.write_text(erp.token("service", erp.name), encoding="ascii")
    with ExitStack() as stack:
        found = Others({}, {})
        for name in OTHERS:
            dsn = found.dsns[name] = stack.enter_context(scratch_database(server, name))
            migrate.upgrade(dsn, name)
            erp.run(seed({name: dsn}))
            settings = Settings(database_dsn=dsn, auth_public_jwks=key.jwks(), auth_private_key=key_file)
            found.urls[name] = stack.enter_context(served(name, settings))
        stack.enter_context(erp.reaching(found.urls, token))
        yield found
