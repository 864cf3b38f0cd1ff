"""The HTTP side of a subgraph: authentication first, then one GraphQL operation per request."""

import logging
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult

from certify_stack.kit.errors import translate
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.schema import Subgraph
from certify_stack.kit.tokens import Principal, TokenError, UnknownKeyError, UnsureError

log = logging.getLogger(__name__)

MAX_BODY = 1_048_576
JSON = "application/json"


class GraphQLRequest(msgspec.Struct):
    """The body of a request."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(GraphQLRequest)


class RefusedError(Exception):
    """A request that never reaches GraphQL: status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        """Return the refusal as JSON."""
        headers = {"www-authenticate": "Bearer"} if self.status == 401 else None
        body = {"error": self.code, "message": self.message}
        return json_response(body, self.status, headers)


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(_encoder.encode(body), status, headers, media_type=JSON)


async def authenticate(runtime: Runtime, request: Request) -> Principal:
    """Return who calls.

    Raises:
        RefusedError: 401, when there is no good bearer token; 503, while nobody can tell whether it was revoked.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = given.strip() if scheme.lower() == "bearer" else ""
    try:
        try:
            return runtime.verifier.verify(token)
        except UnknownKeyError:
            # Auth may sign with a new key by now.
            if not await runtime.keys.renew():
                raise
            return runtime.verifier.verify(token)
    except UnsureError as error:
        raise RefusedError(503, "unavailable", str(error)) from error
    except TokenError as error:
        log.warning("unauthenticated", extra={"reason": str(error)})
        raise RefusedError(401, "unauthorized", str(error)) from error


async def read_body(request: Request) -> bytes:
    """Return the body.

    Raises:
        RefusedError: The body is not JSON by its type, or is too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise RefusedError(415, "unsupported_media_type", f"send {JSON}")
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY:
                raise RefusedError(413, "too_large", f"a request has at most {MAX_BODY} bytes")
            parts.append(part)
    except ClientDisconnect as error:
        raise RefusedError(400, "bad_request", "the client went away") from error
    return b"".join(parts)


class GraphQLEndpoint:
    """Answers ``POST /graphql``."""

    def __init__(self, runtime: Runtime, schema: Subgraph) -> None:
        self._runtime = runtime
        self._schema = schema

    async def __call__(self, request: Request) -> Response:
        """Return the answer to one operation."""
        try:
            principal = await authenticate(self._runtime, request)
            asked = self._decode(await read_body(request))
            result = await self._execute(asked, Context(self._runtime, principal))
        except RefusedError as refused:
            return refused.response()
        return json_response(self._body(result))

    @staticmethod
    def _decode(body: bytes) -> GraphQLRequest:
        try:
            asked = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise RefusedError(400, "bad_request", f"not a GraphQL request: {error}") from error
        if not asked.query.strip():
            raise RefusedError(400, "bad_request", "the query is empty")
        return asked

    async def _execute(self, asked: GraphQLRequest, context: Context) -> ExecutionResult:
        try:
            return await self._schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
            )
        except CannotGetOperationTypeError as error:
            raise RefusedError(400, "bad_request", error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise RefusedError(400, "bad_request", "the operation type is not allowed") from error

    def _body(self, result: ExecutionResult) -> dict[str, Any]:
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [self._error(error) for error in result.errors]
        return body

    def _error(self, error: GraphQLError) -> dict[str, Any]:
        """Return what the caller may know of an error; the rest goes to the log."""
        formatted: dict[str, Any] = dict(error.formatted)
        cause = error.original_error
        known = translate(cause or error)
        if known is not None:
            formatted |= {"message": known.message, "extensions": dict(known.extensions or {})}
        elif cause is None:
            formatted["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED"}
        else:
            log.error("resolver failed", exc_info=cause, extra={"path": error.path})
            formatted |= {"message": "internal error", "extensions": {"code": "INTERNAL"}}
        self._runtime.metrics.graphql_errors.labels(formatted["extensions"]["code"]).inc()
        return formatted
