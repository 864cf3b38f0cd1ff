"""Log-in, its renewal and end, and the public keys. Besides the probes only these need no access token, but for log-out."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.erp import JWKS_PATH
from certify_stack.erp.auth import sessions
from certify_stack.erp.auth.accounts import check
from certify_stack.erp.auth.keyring import KeyRing
from certify_stack.kit.endpoint import RefusedError, authenticate, json_response, read_body
from certify_stack.kit.errors import translate
from certify_stack.kit.revocations import TOKEN_SECONDS
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

LONGEST = 200
NO_STORE = {"cache-control": "no-store"}


class Credentials(msgspec.Struct):
    """The body of a log-in."""

    username: str
    password: str


class Renewal(msgspec.Struct):
    """The body of a renewal."""

    refresh_token: str


Body = TypeVar("Body", Credentials, Renewal)
Answer = Callable[[Runtime, KeyRing, Request], Awaitable[Response]]


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add ``POST /login``, ``/refresh`` and ``/logout``, and ``GET /.well-known/jwks.json``."""
    path = runtime.settings.auth_private_key
    ring = KeyRing(path) if path is not None else None
    if ring is not None:
        runtime.keys.fetch = ring.published

    def route(path: str, answer: Answer, method: str) -> None:
        async def endpoint(request: Request) -> Response:
            if ring is None:
                return RefusedError(503, "no_signing_key", "this instance has no signing key").response()
            try:
                return await _answered(answer(runtime, ring, request))
            except RefusedError as refused:
                return refused.response()

        app.add_route(path, endpoint, methods=[method])

    route("/login", _login, "POST")
    route("/refresh", _refresh, "POST")
    route("/logout", _logout, "POST")
    route(JWKS_PATH, _jwks, "GET")


async def _answered(work: Awaitable[Response]) -> Response:
    try:
        return await work
    except RefusedError:
        raise
    except Exception as error:
        known = translate(error)
        if known is None:
            raise
        raise RefusedError(503, "unavailable", known.message) from error


async def _jwks(_runtime: Runtime, ring: KeyRing, _request: Request) -> Response:
    return json_response(ring.jwks())


async def _login(runtime: Runtime, ring: KeyRing, request: Request) -> Response:
    given = _body(await read_body(request), Credentials, "send username and password as JSON texts")
    if not given.username or "\x00" in given.username or max(len(given.username), len(given.password)) > LONGEST:
        raise RefusedError(400, "bad_request", "username or password is empty, too long or not a text")
    account = await check(runtime.database, given.username, given.password)
    outcome = "accepted" if account else "refused"
    runtime.metrics.logins.labels(outcome).inc()
    log.info("login", extra={"outcome": outcome, "actor": account.id if account else None})
    session = await sessions.start(runtime.database, account) if account else None
    if session is None:
        raise RefusedError(401, "bad_credentials", "name or password is wrong")
    return _tokens(runtime, ring, session)


async def _refresh(runtime: Runtime, ring: KeyRing, request: Request) -> Response:
    given = _body(await read_body(request), Renewal, "send refresh_token as a JSON text")
    session = await sessions.renew(runtime.database, runtime.revocations, given.refresh_token[:LONGEST])
    if session is None:
        raise RefusedError(401, "bad_refresh_token", "the refresh token is not good, or no more; log in again")
    return _tokens(runtime, ring, session)


async def _logout(runtime: Runtime, _ring: KeyRing, request: Request) -> Response:
    principal = await authenticate(runtime, request)
    if not principal.session:
        raise RefusedError(400, "no_session", "the token is of no log-in; it holds until it expires")
    await sessions.end(runtime.database, runtime.revocations, UUID(principal.session), principal.subject)
    log.info("logout", extra={"actor": principal.subject})
    return Response(status_code=204, headers=NO_STORE)


def _tokens(runtime: Runtime, ring: KeyRing, session: sessions.Session) -> Response:
    settings, account = runtime.settings, session.account
    token = ring.signing().mint(
        str(account.id),
        [account.role],
        issuer=settings.issuer,
        audience=settings.audience,
        ttl=TOKEN_SECONDS,
        session=str(session.id),
    )
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": TOKEN_SECONDS,
        "refresh_token": session.refresh_token,
    }
    return json_response(body, headers=NO_STORE)


def _body(body: bytes, kind: type[Body], cure: str) -> Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RefusedError(400, "bad_request", cure) from error
