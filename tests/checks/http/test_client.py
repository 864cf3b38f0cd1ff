"""The client that checks share, against a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from certify.api import Context, Service, Stack
from certify_checks.http import Client, GraphQLAnswer, LoginError, describe, read_graphql


@asynccontextmanager
async def server() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Answers log-ins of ann and echoes everything else; gives its address and what it was asked."""
    asked: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"null")
        path = head[0].split(" ")[1]
        asked.append({"path": path, "body": body, "authorization": headers.get("authorization")})
        status, said = _reply(path, body)
        content = json.dumps(said).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(content)
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


def _reply(path: str, body: Any) -> tuple[int, Any]:
    if path == "/login":
        good = body == {"username": "ann", "password": "right"}
        return (200, {"access_token": "token"}) if good else (401, {"error": "no"})
    return 200, {"data": {"echo": body and body["variables"]}}


def stack(url: str) -> Stack:
    users = {
        "clerk": {"username": "ann", "password": "right", "role": "clerk"},
        "auditor": {"username": "bob", "password": "wrong", "role": "auditor"},
    }
    credentials = {"login": f"{url}/login", "users": users, "tokens": {"service": "machine"}}
    return Stack((Service("crm", url, graphql="/query"),), Service("entry", url), credentials)


def test_one_log_in_serves_all_operations_of_a_role(tmp_path: Path):
    async def go() -> None:
        async with server() as (url, asked), Client(Context("x", tmp_path, tmp_path, stack=stack(url))) as client:
            for _ in range(2):
                answer = await client.graphql("crm", "{ a }", {"n": 1}, await client.token("clerk"))
            assert (answer.ok, answer.data) == (True, {"echo": {"n": 1}})
            assert answer.elapsed_us > 0
            assert [one["path"] for one in asked] == ["/login", "/query", "/query"]
            assert asked[1]["authorization"] == "bearer token"
            assert await client.token("service") == "machine"
            assert client.service("gateway").name == "entry"
            assert client.roles() == ("clerk", "auditor")
            assert (await client.get("entry", "health")).status_code == 200
            assert asked[-1]["authorization"] is None

    asyncio.run(go())


@pytest.mark.parametrize(("role", "complaint"), [("auditor", "HTTP 401"), ("pilot", "no user of role 'pilot'")])
def test_a_log_in_that_fails_says_why(tmp_path: Path, role: str, complaint: str):
    async def go() -> None:
        async with server() as (url, _), Client(Context("x", tmp_path, tmp_path, stack=stack(url))) as client:
            with pytest.raises(LoginError, match=complaint):
                await client.token(role)

    asyncio.run(go())


def test_a_log_in_without_server_says_so(tmp_path: Path):
    async def go() -> None:
        async with server() as (url, _):
            pass
        async with Client(Context("x", tmp_path, tmp_path, stack=stack(url))) as client:
            with pytest.raises(LoginError, match="ConnectError"):
                await client.token("clerk")

    asyncio.run(go())


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, b'{"data": {"a": 1}}', GraphQLAnswer(200, {"a": 1})),
        (200, b'{"data": null, "errors": [{"message": "no"}]}', GraphQLAnswer(200, {}, ({"message": "no"},))),
        (200, b'{"errors": "no"}', GraphQLAnswer(200, {}, ({"message": "no"},))),
        (502, b"<html>", GraphQLAnswer(502, text="<html>")),
        (200, b"[1]", GraphQLAnswer(200, text="[1]")),
    ],
)
def test_any_body_is_read_without_raising(status: int, content: bytes, expected: GraphQLAnswer):
    answer = read_graphql(httpx.Response(status, content=content))
    assert answer == expected
    assert answer.ok is (expected.data == {"a": 1})
    assert bool(answer.complaint) is not answer.ok


def test_an_exception_without_text_is_named():
    assert describe(httpx.ReadTimeout("")) == "ReadTimeout"
    assert describe(ValueError("one\ntwo")) == "ValueError: one"
