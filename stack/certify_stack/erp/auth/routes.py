"""Log-in and the public keys: the only routes of the stack that need no token besides the probes."""

import logging

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.erp.auth.accounts import check
from certify_stack.kit.endpoint import RefusedError, json_response, read_body
from certify_stack.kit.errors import translate
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.tokens import SigningKey

log = logging.getLogger(__name__)

TOKEN_SECONDS = 3600
LONGEST = 200
NO_STORE = {"cache-control": "no-store"}


class Credentials(msgspec.Struct):
    """The body of a log-in."""

    username: str
    password: str


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add ``POST /login`` and ``GET /.well-known/jwks.json``."""
    path = runtime.settings.auth_private_key
    key = SigningKey.load(path) if path is not None else None

    async def login(request: Request) -> Response:
        try:
            return await _login(runtime, key, request)
        except RefusedError as refused:
            return refused.response()

    async def jwks(_request: Request) -> Response:
        if key is None:
            return RefusedError(503, "no_signing_key", "this instance has no signing key").response()
        return json_response(key.jwks())

    app.add_route("/login", login, methods=["POST"])
    app.add_route("/.well-known/jwks.json", jwks, methods=["GET"])


async def _login(runtime: Runtime, key: SigningKey | None, request: Request) -> Response:
    if key is None:
        raise RefusedError(503, "no_signing_key", "this instance has no signing key")
    given = _credentials(await read_body(request))
    try:
        account = await check(runtime.database, given.username, given.password)
    except Exception as error:
        known = translate(error)
        if known is None:
            raise
        raise RefusedError(503, "unavailable", known.message) from error
    outcome = "accepted" if account else "refused"
    runtime.metrics.logins.labels(outcome).inc()
    log.info("login", extra={"outcome": outcome, "actor": account.id if account else None})
    if account is None:
        raise RefusedError(401, "bad_credentials", "name or password is wrong")
    settings = runtime.settings
    token = key.mint(
        str(account.id), [account.role], issuer=settings.issuer, audience=settings.audience, ttl=TOKEN_SECONDS
    )
    body = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
    return json_response(body, headers=NO_STORE)


def _credentials(body: bytes) -> Credentials:
    try:
        given = msgspec.json.decode(body, type=Credentials)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RefusedError(400, "bad_request", "send username and password as JSON texts") from error
    long = max(len(given.username), len(given.password)) > LONGEST
    if long or not given.username or "\x00" in given.username:
        raise RefusedError(400, "bad_request", "username or password is empty, too long or not a text")
    return given
