"""An instance that has no signing key."""

import asyncio
from pathlib import Path

import httpx

from certify_stack.kit.app import create_app
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import SigningKey


def test_an_instance_without_a_signing_key_says_so(signing_key: tuple[SigningKey, Path]):
    settings = Settings(database_dsn="postgresql://nobody@127.0.0.1:1/none", auth_public_jwks=signing_key[0].jwks())
    transport = httpx.ASGITransport(create_app("auth", settings))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
            given = {"username": "clara", "password": "a long enough password"}
            return [await client.post("/login", json=given), await client.get("/.well-known/jwks.json")]

    for answer in asyncio.run(ask()):
        assert answer.status_code == 503
        assert answer.json()["error"] == "no_signing_key"
