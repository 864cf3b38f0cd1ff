"""The services that a report needs, each on a real socket with a database of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from erp_harness import Harness, scratch_database, served

from certify_stack.erp.seed import seed
from certify_stack.kit import migrate
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import SigningKey


@pytest.fixture
def makers(erp: Harness, server: str, signing_key: tuple[SigningKey, Path], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Let document-generator reach file-storage and finance; gives their databases, by name."""
    key, key_file = signing_key
    token = tmp_path / "service.token"
    token.write_text(erp.token("service", erp.name), encoding="ascii")
    urls: dict[str, str] = {}
    dsns: dict[str, str] = {}
    with ExitStack() as stack:
        for name in ("file-storage", "finance"):
            dsns[name] = stack.enter_context(scratch_database(server, name))
            migrate.upgrade(dsns[name], name)
            erp.run(seed({name: dsns[name]}))
            settings = Settings(database_dsn=dsns[name], auth_public_jwks=key.jwks(), auth_private_key=key_file)
            urls[name] = stack.enter_context(served(name, settings))
        stack.enter_context(erp.reaching(urls, token))
        yield dsns
