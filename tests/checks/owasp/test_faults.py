"""The faults of the reference stack: the real finance service on loopback, and a scratch clone of its source."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certify.api import Outcome, Ruling, Service
from certify_checks.owasp import CHECK
from certify_checks.owasp.config import OwaspConfig
from certify_faults import owasp as faults
from certify_stack.kit.app import create_app
from certify_stack.kit.roles import Role
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import SigningKey

FINANCE = "certify_stack/erp/finance"
Overlay = Callable[[Any, str, Settings], None]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@contextmanager
def finance(key: SigningKey, *overlays: Overlay) -> Iterator[str]:
    """The real application of finance, without its database: tokens are judged before it is asked."""
    settings = Settings(database_dsn="postgresql://nobody@127.0.0.1:9/none", auth_public_jwks=key.jwks())
    app = create_app("finance", settings)
    for overlay in overlays:
        overlay(app, "finance", settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def judged(context: Any, criteria: Any, key_file: Path) -> Callable[..., Ruling]:
    def run(*overlays: Overlay) -> Ruling:
        key = SigningKey.load(key_file)
        good = key.mint("certify", [Role.SERVICE], issuer="urn:erp:auth", audience="urn:erp:api", ttl=600)
        facts = {"issuer": "urn:erp:auth", "audience": "urn:erp:api", "private_key_file": str(key_file)}
        with finance(key, *overlays) as url:
            service = Service("finance", url=url, graphql="/graphql")
            ctx = context(service, credentials={"tokens": {"service": good}, "jwt": facts}, rules=("jwt",))
            seen = asyncio.run(CHECK.observe(ctx, OwaspConfig()))
        rule = CHECK.rule("jwt")
        assert rule
        return rule.judge(seen, criteria(rule))

    return run


def test_finance_refuses_what_it_must(judged: Any):
    assert judged().outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("fault", "attacks"), [(faults.accept_any_token, 8), (faults.accept_expired_token, 1)], ids=["any", "expired"]
)
def test_a_finance_that_accepts_bad_tokens_fails(judged: Any, fault: Overlay, attacks: int):
    ruling = judged(fault)
    assert ruling.outcome is Outcome.FAIL
    assert len(ruling.findings) == attacks
    assert "jwt.accepted-expired" in {finding.code for finding in ruling.findings}


def test_a_shell_call_in_finance_turns_the_source_rule_red(context: Any, criteria: Any, tmp_path: Path):
    source = Path(faults.__file__).parents[1] / FINANCE
    root = tmp_path / "root"
    shutil.copytree(source, root / FINANCE, ignore=shutil.ignore_patterns("__pycache__"))
    ctx = context(Service("finance", source=(FINANCE,)), source_root=root, rules=("source",))
    rule = CHECK.rule("source")
    assert rule
    before = rule.judge(asyncio.run(CHECK.observe(ctx, OwaspConfig())), criteria(rule))
    changed = faults.shell_call(root).relative_to(root).as_posix()
    after = rule.judge(asyncio.run(CHECK.observe(ctx, OwaspConfig())), criteria(rule))
    assert before.outcome is Outcome.PASS, before
    assert [(f.code, f.location.file) for f in after.findings] == [("source.B602", changed)]
